from __future__ import annotations

import pytest

from papers.review.finding import Case
from tests.papers.review_case import sound_case


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A run and its paper in which no check finds anything. For reading."""
    return sound_case(tmp_path_factory.mktemp("sound") / "run")
