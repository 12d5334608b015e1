from __future__ import annotations

import pytest

from tests.tools.small_world import use_small_tools


@pytest.fixture
def small_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small world's tools in the place of the real ones."""
    use_small_tools(monkeypatch)
