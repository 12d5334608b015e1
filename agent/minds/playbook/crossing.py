"""What to ask of two supported merges: whether what each changes goes together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import JsonValue

from agent.minds.playbook.family import Idea, Setting, find_family
from agent.minds.playbook.followups import lower
from sandbox.records import short_id
from tools.experiment import Arm
from tools.tool import find_tool

MARGIN = -0.05
SHARED = {
    "merge": ("roles", "base"),
    "search": ("strategy", "task", "roles", "base", "evaluations"),
}
"""Tool -> arguments that two of its calls must have in common to be put together."""


def cross(idea: Idea, at: Setting) -> Idea | None:
    """What two supported merges change, in one merge, against the better of the two."""
    crossed = next(_crossed(idea, at), None) if idea.metric == "accuracy" else None
    if crossed is None:
        return None
    child, pair = crossed
    first, second = (lower(arm.label) for arm in pair)
    return replace(
        idea,
        title=f"Cross: what makes the {first} and the {second} goes together",
        statement=f"A merge made as the {first} and as the {second} at once should be no less "
        "accurate than the better of both, within a margin.",
        rationale="What helps each of several merges may or may not help both at once "
        "{{citep:yang2024survey}}.",
        prediction=f"{child.label} - the better of both > {MARGIN} accuracy",
        refuted_by=f"the exact test says that the mean difference is below {MARGIN}",
        cites=("yang2024survey",),
        treatment=(child,),
        control=pair,
        treatment_label=child.label,
        control_label="The better of both",
        control_split="test",
        null_effect=MARGIN,
        predicted_effect=MARGIN,
        baselines=(),
        tasks=(),
    )


def _crossed(idea: Idea, at: Setting) -> Iterator[tuple[Arm, tuple[Arm, Arm]]]:
    """Arms with what the treatment and another winner change, and the two by name."""
    for name in at.winners:
        won = find_family(name).think(at)
        if won is None or won.metric != "accuracy":
            continue
        first, second = sorted((idea.treatment[0], won.treatment[0]), key=lambda arm: arm.name)
        call = _together(first, second)
        if call is not None:
            label = f"A cross of {lower(first.label)} and {lower(second.label)}"
            named = {"name": f"cross-{short_id(call)[:8]}", "label": label, "arguments": call}
            yield first.model_copy(update=named), (first, second)


def _together(first: Arm, second: Arm) -> dict[str, JsonValue] | None:
    """A call with what both change of their tool's plain one.

    None where they have not the same models and budget, where they conflict, or where the call is
    one of the two.
    """
    shared = SHARED.get(first.tool, ())
    if first.tool != second.tool or not shared:
        return None
    tool = find_tool(first.tool)
    one, other = tool.normal(first.arguments), tool.normal(second.arguments)
    if any(_unordered(one[name]) != _unordered(other[name]) for name in shared):
        return None
    plain = tool.normal({name: one[name] for name in shared})
    mine, others = (
        {k: v for k, v in call.items() if k not in shared and v != plain[k]}
        for call in (one, other)
    )
    alone = "swap" in {**mine, **others}  # a swap leaves nothing for a method to do
    conflict = any(mine.get(name, value) != value for name, value in others.items())
    both = {**mine, **others}
    if alone or conflict or both in (mine, others):
        return None
    return {**one, **both}


def _unordered(value: JsonValue) -> object:
    return sorted(map(str, value)) if isinstance(value, list) else value
