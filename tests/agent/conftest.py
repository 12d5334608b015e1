"""What the tests of a language model's faults share: a lab that stays open, and short pauses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agent.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    from tests.agent.fault_desk import open_lab

    with open_lab(tmp_path_factory.mktemp("faults")) as lab:
        yield lab


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.005)
    monkeypatch.setattr("agent.endpoint.client.FIRST_PAUSE_S", 0.005)
