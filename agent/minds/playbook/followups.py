"""What to ask after an answer: ablate a part, replicate on fresh seeds, generalise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from pydantic import JsonValue

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting
from papers.value import inline
from sandbox.records import Relation
from tools.experiment import Arm

Follow = Callable[[Idea, Setting], Idea | None]


def ablate(idea: Idea, at: Setting) -> Idea | None:
    """The treatment against itself with one part taken away, where it has a part that can be."""
    arm = idea.treatment[0]
    arguments, swapped = arm.arguments, arm.arguments.get("swap")
    if arguments.get("groups") == "layerwise" and not arguments.get("keep"):
        lesser = arms.evolve_components(at, 0)
        part = "a coefficient for each layer rather than for each kind of component"
    elif arguments.get("method") == "ties":
        lesser = _changed(arm, "untrimmed", ", untrimmed", parameters={"density": 1.0})
        part = "trimming"
    elif isinstance(swapped, dict) and swapped.get("head"):
        lesser = _changed(arm, "no-head", ", own head", swap={**swapped, "head": False})
        part = "taking the head and the last norm too"
    else:
        return None
    return replace(
        with_a_part_less(idea, lesser, 0.02),
        title=f"Ablation: the {lower(arm.label)} needs {part}",
        statement=f"The {lower(arm.label)} should be more accurate with {part} than without.",
        tasks=(),
    )


def with_a_part_less(idea: Idea, lesser: Arm, effect: float) -> Idea:
    """The test of the treatment against itself without a part, which the claim is yet to name."""
    arm = idea.treatment[0]
    return replace(
        idea,
        rationale="A gain is understood when taking away the part that causes it removes it "
        "{{citep:lipton2018troubling}}.",
        prediction=f"{arm.label} - {lesser.label} >= {effect} accuracy",
        refuted_by=f"the mean difference is below {effect} and the exact test says so",
        cites=("lipton2018troubling",),
        treatment=(arm,),
        control=(lesser,),
        control_label=lesser.label,
        treatment_label=arm.label,
        control_split="test",
        null_effect=0.0,
        predicted_effect=effect,
        baselines=(),
    )


def replicate(idea: Idea, at: Setting) -> Idea | None:
    """The same plan on seeds that nothing was chosen by."""
    return replace(
        idea,
        title=f"Replication: {lower(idea.title)}",
        statement=f"On seeds that no earlier trial used: {lower(idea.statement)}",
        rationale="A result that chose the next question is tested again on fresh data "
        "{{citep:nosek2018preregistration}}.",
        cites=("nosek2018preregistration",),
        baselines=(),
    )


def generalise(idea: Idea, at: Setting) -> Idea | None:
    """The same question with far fewer labelled items, or with a further layer swapped."""
    compared = (*idea.treatment, *idea.control)
    learned = [arm for arm in compared if arm.tool in ("search", "finetune")]
    if learned and not any("dev_items" in arm.arguments for arm in learned):
        change, where = _fewer, "with far fewer labelled items"
    elif any(arm.arguments.get("swap") for arm in compared):
        change, where = _deeper, "with a further layer"
    else:
        return None
    return replace(
        idea,
        title=f"Generalisation: {lower(idea.title)}, {where}",
        statement=f"{where[0].upper()}{where[1:]}: {lower(idea.statement)}",
        rationale="A finding at a single setting says little of another "
        "{{citep:bouthillier2021variance}}, so the setting is changed and the prediction kept.",
        cites=("bouthillier2021variance",),
        treatment=_each(idea.treatment, change),
        control=_each(idea.control, change),
        treatment_label=idea.treatment_label and f"{idea.treatment_label}, {where}",
        baselines=(),
    )


FOLLOW_UPS: dict[Relation, Follow] = {
    "ablate": ablate,
    "generalise": generalise,
    "replicate": replicate,
}


def _fewer(arm: Arm) -> Arm:
    return arms.fewer(arm, arms.FEWER)


def _deeper(arm: Arm) -> Arm:
    swapped = arm.arguments.get("swap")
    if not isinstance(swapped, dict):
        return arm
    layers = swapped.get("layers")
    deeper = {**swapped, "layers": (layers if isinstance(layers, int) else 1) + 1}
    return _changed(arm, "deeper", ", a layer more", swap=deeper)


def _each(compared: Iterable[Arm], change: Callable[[Arm], Arm]) -> tuple[Arm, ...]:
    return tuple(change(arm) for arm in compared)


def _changed(arm: Arm, suffix: str, label: str, **arguments: JsonValue) -> Arm:
    return arm.model_copy(
        update={
            "name": f"{arm.name}-{suffix}",
            "label": arm.label + label,
            "arguments": {**arm.arguments, **arguments},
        }
    )


def lower(sentence: str) -> str:
    """As it stands after a colon: names such as TIES or DeltaNet stay as they are."""
    return inline(sentence)
