"""What to ask after a trouble or a near miss: the same question, mended or pushed further."""

from __future__ import annotations

from dataclasses import replace

from agent.minds.playbook.effort import GENTLER, HALF, SMALLER, TWICE, Change, given
from agent.minds.playbook.family import Idea, Setting
from agent.minds.playbook.followups import lower

MENDS: dict[str, Change] = {"diverged": GENTLER, "memory": SMALLER, "time": HALF}
"""What kept an arm from a fair result -> what is changed then, for all arms."""


def debug(idea: Idea, at: Setting) -> Idea | None:
    """The same question with arms that can be run, where one of its arms could not be."""
    troubled = dict(at.troubled)
    found = [troubled[arm.name] for arm in idea.arms if arm.name in troubled]
    change = next((change for why, change in MENDS.items() if why in found), None)
    mended = given(idea, change) if change is not None else None
    if change is None or mended is None:
        return None
    return replace(
        mended,
        title=f"Mended: {lower(idea.title)}, with {change.words}",
        statement=f"With {change.words} for all that is trained or searched: "
        f"{lower(idea.statement)}",
        rationale="A trial that ends for a technical reason says nothing of its question "
        "{{citep:pineau2021reproducibility}}, so the question is asked again with all of its arms "
        "changed alike.",
        cites=("pineau2021reproducibility",),
    )


def improve(idea: Idea, at: Setting) -> Idea | None:
    """The same question with twice the effort for both sides."""
    pushed = given(idea, TWICE)
    if pushed is None:
        return None
    return replace(
        pushed,
        title=f"Pushed further: {lower(idea.title)}, with {TWICE.words}",
        statement=f"With {TWICE.words} for all that is trained or searched: "
        f"{lower(idea.statement)}",
        rationale="Which method is ahead may hang on what both were given "
        "{{citep:dodge2019show}}, so both get more of it, and the prediction is kept.",
        cites=("dodge2019show",),
    )
