"""What to ask of an architecture after an answer, by the moves of its grammar: ablate, vary, cross.

Chance is drawn from the run's seed and the names of the arms, so an idea is the same whenever it is
thought of again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from agent.minds.playbook.architectures import arms, searches, wording
from agent.minds.playbook.architectures.relatives import alike, body_of, relative
from agent.minds.playbook.family import Idea, Setting, find_family
from agent.minds.playbook.followups import lower, with_a_part_less
from sandbox.errors import UnknownName
from tools.architectures.architecture import Architecture
from tools.experiment import Arm

TRIES = 30
"""Moves that are looked at for one that can be compared and told without digits."""
MARGIN = -0.05


def ablate(idea: Idea, at: Setting) -> Idea | None:
    """The treatment against itself with its most telling part taken away, where it has any."""
    arm = idea.treatment[0]
    found = searches.without_surrogate(at, arm) or next(_ablated(idea, at), None)
    if found is None:
        return None
    lesser, part = found
    name, where = _called(at, arm)
    return replace(
        with_a_part_less(idea, lesser, 0.05),
        title=f"Ablation: taking {part} from {lower(name)} costs accuracy",
        statement=f"{name} should be more accurate {where} with {part} than without.",
    )


def mutate(idea: Idea, at: Setting) -> Idea | None:
    """A neighbour of the treatment against the treatment: does the finding hang on a detail?"""
    arm = idea.treatment[0]
    asked = [control.name for control in idea.control]
    found = (one for one in _varied(arm, at) if one[0].name not in asked)
    varied = next(found, None) if idea.metric == "accuracy" else None
    if varied is None:
        return None
    other, words = varied
    name, where = _called(at, arm)
    return replace(
        _no_worse(idea, other.label, arm.label),
        title=f"Variation: {lower(name)} with {words} keeps up",
        statement=f"Changed by a random move of the grammar to have {words}, {lower(name)} should "
        f"be no less accurate {where} at equal size, within a margin.",
        rationale="Most changes to a known architecture make no lasting difference "
        "{{citep:narang2021transfer}}; a finding is the sturdier the less it hangs on details, and "
        "a search over architectures moves by such steps {{citep:real2019regularized}}.",
        cites=("narang2021transfer", "real2019regularized"),
        treatment=(other,),
        control=(arm,),
    )


def cross(idea: Idea, at: Setting) -> Idea | None:
    """A child of two supported treatments against the better of them."""
    crossed = next(_crossed(idea, at), None) if idea.metric == "accuracy" else None
    if crossed is None:
        return None
    child, parents = crossed
    (first, where), (second, _) = (_called(at, parent) for parent in parents)
    return replace(
        _no_worse(idea, child.label, "The better parent"),
        title=f"Cross: parts of {lower(first)} and of {lower(second)} go together",
        statement="A child that takes each layer and each property at random from "
        f"{lower(first)} or from {lower(second)} should be no less accurate {where} at equal size "
        "than the better of its parents, within a margin.",
        rationale="What helps each of them may or may not help both; crossing what did well is "
        "how searches over architectures put parts together {{citep:elsken2019nas,white2023nas}}.",
        cites=("elsken2019nas", "white2023nas"),
        treatment=(child,),
        control=parents,
    )


def _called(at: Setting, arm: Arm) -> tuple[str, str]:
    """What the arm is called beside its task, and the task as `arms.where` has it."""
    where = arms.where(at, str(arm.arguments["task"]))
    return arm.label.removesuffix(f" {where}"), where


def _labelled(at: Setting, arm: Arm, words: str) -> str:
    """The arm's label with words before its task."""
    name, _ = _called(at, arm)
    return f"{name} {words}{arm.label.removeprefix(name)}"


def _no_worse(idea: Idea, treatment: str, control: str) -> Idea:
    """The test of a change that should cost nothing; both sides are yet to be named."""
    return replace(
        idea,
        prediction=f"{treatment} - {control} > {MARGIN} accuracy",
        refuted_by=f"the exact test says that the mean difference is below {MARGIN}",
        treatment_label=treatment,
        control_label=control,
        control_split="test",
        null_effect=MARGIN,
        predicted_effect=MARGIN,
        baselines=(),
    )


def _ablated(idea: Idea, at: Setting) -> Iterator[tuple[Arm, str]]:
    """Arms with a part less and the part in words, the most telling first.

    That is one that the control has not either, unless taking it away gives the control itself.
    """
    from tools.architectures.moves import ablations

    arm, body = idea.treatment[0], body_of(idea.treatment[0])
    if body is None or idea.metric != "accuracy":
        return
    others = [body_of(control) for control in idea.control]
    try:
        shared = {found.part for one in others if one is not None for found in ablations(one)}
        lesser = sorted(ablations(body), key=lambda found: found.part in shared)
    except UnknownName:
        return
    asked = [control.arguments for control in idea.control]
    for found in lesser:
        words = wording.part(found.part, len(body.layers))
        made = relative(at, arm, found.architecture, _labelled(at, arm, f"without {words}"))
        if words and made is not None and made.arguments not in asked:
            yield made, words


def _varied(arm: Arm, at: Setting) -> Iterator[tuple[Arm, str]]:
    """Neighbours of the arm's architecture, with the change in words."""
    from tools.architectures import moves

    body = body_of(arm)
    rng = _chance(at, "mutate", arm.name)
    for _ in range(TRIES if body is not None else 0):
        assert body is not None
        try:
            other = moves.mutate(body, rng)
        except UnknownName:
            return
        words = wording.change(body, other)
        made = relative(at, arm, other, _labelled(at, arm, f"with {words}"))
        if words and made is not None and other.passes <= body.passes + 1:
            yield made, words


def _crossed(idea: Idea, at: Setting) -> Iterator[tuple[Arm, tuple[Arm, Arm]]]:
    """Children of the treatment and of another winner of its size, with their parents by name."""
    for other in _winners(at):
        pair = sorted((idea.treatment[0], other), key=lambda arm: arm.name)
        if pair[0].name == pair[1].name or any(body_of(arm) is None for arm in pair):
            continue
        first, second = pair
        if alike(first, second):
            for child in _children(first, second, at):
                yield child, (first, second)


def _children(first: Arm, second: Arm, at: Setting) -> Iterator[Arm]:
    from tools.architectures import moves

    one, other = body_of(first), body_of(second)
    assert one is not None
    assert other is not None
    rng = _chance(at, "cross", first.name, second.name)
    label = f"A cross of {lower(_called(at, first)[0])} and {lower(second.label)}"
    for _ in range(TRIES):
        try:
            body: Architecture = moves.cross(one, other, rng)
        except UnknownName:
            return
        child = relative(at, first, body, label) if body not in (one, other) else None
        if child is not None and child.arguments != second.arguments:
            yield child


def _winners(at: Setting) -> Iterator[Arm]:
    """Treatments of the families whose question was answered with yes, the oldest first."""
    for name in at.winners:
        idea = find_family(name).think(at)
        if idea is not None and idea.metric == "accuracy":
            yield idea.treatment[0]


def _chance(at: Setting, *names: str) -> Random:
    return Random("/".join((str(at.seed), *names)))  # noqa: S311 - reproducible, not a secret
