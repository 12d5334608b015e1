"""What a question that names no domain and no tasks is about, and what answering it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from agent.minds.playbook.family import Idea, Setting, find_family
from agent.minds.playbook.relevance import LEAST, relevance
from tools.architectures.subject import TASKS, ArchitectureSuite

Domain = Literal["merging", "architectures"]
FURTHER = ("text", "life", "life_rollout", "domains", "digits", "parity")
"""Tasks that some families need and that are too dear to train every architecture on."""
EVALUATIONS = 60


def domain_of(question: str) -> Domain:
    """The domain of the family that the question speaks of most; merging when of none."""
    from tools.merging.miniature import Miniature

    settings = (_architectures("quick"), Setting(Miniature("quick"), EVALUATIONS))
    found = relevance(question, *settings)
    if found.best < LEAST or find_family(next(iter(found.scores))).domain == "merging":
        return "merging"
    return "architectures"


def tasks_for(question: str, first: Sequence[str], profile: str) -> tuple[str, ...]:
    """The usual sequence tasks and those that the families asked for need.

    first: families that the topic names; the others are those that the question speaks of.
    """
    at = _architectures(profile)
    asked = (*first, *relevance(question, at).asked)
    ideas = [idea for name in asked if (idea := find_family(name).think(at)) is not None]
    needed = {task for idea in ideas for task in _tasks(idea)}
    return (*TASKS, *(task for task in FURTHER if task in needed))


def _architectures(profile: str) -> Setting:
    """Every task that a family may ask about."""
    return Setting(ArchitectureSuite(profile, (*TASKS, *FURTHER)), EVALUATIONS)


def _tasks(idea: Idea) -> set[str]:
    return {str(arm.arguments["task"]) for arm in idea.arms if "task" in arm.arguments}
