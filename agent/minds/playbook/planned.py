"""The idea behind a hypothesis that no family has, read back from its frozen plan."""

from __future__ import annotations

import re

from agent.minds.mind import Contrast, Known
from agent.minds.playbook.family import Idea

LONGEST_NAME = 6
"""Words of a title that name its node."""


def planned_idea(past: Known) -> Idea | None:
    """What it compared; None where nothing was planned, or a side is the best of several arms."""
    plan, line = past.experiment, past.hypothesis
    if plan is None:
        return None
    test = plan.test
    if len(test.treatment.arms) > 1 or len(test.control.arms) > 1:
        return None
    return Idea(
        title=line.title,
        statement=line.statement,
        rationale=line.rationale,
        prediction=line.prediction,
        refuted_by=line.refuted_by,
        cites=line.cites,
        treatment=(plan.arm(test.treatment.arms[0]),),
        control=(plan.arm(test.control.arms[0]),),
        predicted_effect=test.predicted_effect,
        null_effect=test.null_effect,
        tasks=test.treatment.tasks,
        metric=test.metric,
    )


def contrast_of(idea: Idea) -> Contrast | None:
    """What a proposal of it says that it compares; None where a side is the best of several."""
    if len(idea.treatment) > 1 or len(idea.control) > 1:
        return None
    return Contrast(
        treatment=idea.treatment[0],
        control=idea.control[0],
        predicted_effect=idea.predicted_effect,
        null_effect=idea.null_effect,
        metric=idea.metric,
        tasks=idea.tasks,
    )


def node_name(title: str) -> str:
    """A name without digits for the node of a hypothesis of that title."""
    words = re.findall(r"[a-z]+", title.lower())[:LONGEST_NAME]
    return f"own:{'-'.join(words) or 'hypothesis'}"
