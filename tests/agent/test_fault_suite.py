"""The fault suite holds every kind of fault that is asked of it."""

from __future__ import annotations

from collections.abc import Sequence

from tests.agent.endpoint import test_faults
from tests.agent.faults import PARTS, SURVEY, TALKS

LISTED: dict[str, Sequence[str]] = {
    "401": ["401"],
    "429 with and without retry-after": ["429 with retry-after", "429 without retry-after"],
    "500 storms": ["a storm of 500"],
    "timeouts": ["a timeout"],
    "half a stream": ["half a stream"],
    "truncated JSON": ["truncated JSON"],
    "wrong schema": ["the wrong schema"],
    "huge reply": ["a huge reply"],
    "invented tool": ["an invented tool"],
    "invented evidence id": ["an invented evidence id"],
    "digits typed in prose": ["digits typed in prose"],
    "invented citation": ["an invented citation"],
    "LaTeX injection": ["LaTeX injection"],
    "endless tool loop": ["an endless tool loop"],
    "contradictory claim": ["a contradictory claim"],
    "price missing": ["price missing"],
    "server gone mid-run": ["a reset"],
    "instructions hidden in data": ["instructions hidden in data that are obeyed"],
}


def test_every_kind_of_fault_is_tried_through_the_whole_mind_and_more() -> None:
    whole = {**SURVEY, **TALKS, **PARTS}
    for kind, names in LISTED.items():
        assert set(names) <= set(whole), kind
    assert len(whole) >= 50
    on_the_wire = len(test_faults.LASTING) + len(test_faults.PASSING) + len(test_faults.UNFIT)
    assert on_the_wire >= 40
