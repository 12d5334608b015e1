"""Which paired seeds a run uses: as many as its tests need, and spare ones for replications."""

from __future__ import annotations

from agent.settings import Settings
from agent.topic import Topic
from sandbox.errors import BadInput
from tools.freeze import seeds_needed
from tools.subject import Subject

SEEN = {"merging": 10, "architectures": 20}
"""The first seeds of a generated subject shaped its design, so runs begin after them."""
STRIDE = 32


def seeds_of(
    topic: Topic, subject: Subject, settings: Settings
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(seeds of the plans, spare seeds).

    Raises BadInput when the data allow fewer pairs than the test needs.
    """
    count = topic.seeds or seeds_needed(topic.alpha, topic.hypotheses)
    needed = seeds_needed(topic.alpha, topic.hypotheses, at_least=1)
    if count < needed:
        raise BadInput(
            f"{count} seeds cannot decide {topic.hypotheses} hypotheses at alpha {topic.alpha}",
            f"use at least {needed} seeds, or 0 to let the test decide",
        )
    if count > subject.most_seeds:
        raise BadInput(
            f"the tests need {count} pairs, the data of {subject.name} allow {subject.most_seeds}",
            "bring more test items, or ask fewer hypotheses",
        )
    start = _start(count, subject, settings.seed)
    every = [(start + i) % subject.most_seeds for i in range(min(3 * count, subject.most_seeds))]
    return tuple(every[:count]), tuple(every[count:])


def _start(count: int, subject: Subject, seed: int) -> int:
    seen = SEEN[subject.domain]
    if subject.most_seeds < seen + STRIDE * 2:
        return 0
    return seen + (STRIDE * seed) % max(1, subject.most_seeds - seen - 3 * count)
