"""What to ask about architectures after an answer: ablate, generalise, promote."""

from __future__ import annotations

from dataclasses import replace

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting
from agent.minds.playbook.followups import lower
from tools.architectures.architecture import Architecture
from tools.experiment import Arm
from tools.tasks.sequence import find_sequence_task


def ablate(idea: Idea, at: Setting) -> Idea | None:
    """The treatment against itself without its short convolutions, where it has any."""
    arm = idea.treatment[0]
    lesser = _without_convolution(at, arm)
    if lesser is None:
        return None
    return replace(
        idea,
        title=f"Ablation: {lower(arm.label)} needs its convolution",
        statement=f"{arm.label} should be more accurate with its short convolutions than without.",
        rationale="A gain is understood when taking away the part that causes it removes it "
        "{{citep:lipton2018troubling}}.",
        prediction=f"{arm.label} - {lesser.label} >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("lipton2018troubling",),
        treatment=(arm,),
        control=(lesser,),
        control_label=lesser.label,
        treatment_label=arm.label,
        null_effect=0.0,
        predicted_effect=0.05,
    )


def generalise(idea: Idea, at: Setting) -> Idea | None:
    """The same question on another task of the suite that is not held back."""
    asked = (*idea.tasks, at.subject.primary)
    others = [c.name for c in at.subject.cards if c.name not in asked and not _held_back(c.name)]
    if not others:
        return None
    task = others[0]
    found = _moved(idea, at, task)
    return replace(
        found,
        title=f"Generalisation: {lower(idea.title)}, also {arms.where(at, task)}",
        statement=f"Trained and tested {arms.where(at, task)} instead: {lower(idea.statement)}",
        rationale="A finding on a single task says little of another "
        "{{citep:bouthillier2021variance}}, so the task is changed and the prediction kept.",
        cites=("bouthillier2021variance",),
    )


def promote(idea: Idea, at: Setting) -> Idea | None:
    """The same question on the task that was held back from everything before."""
    held = [card.name for card in at.subject.cards if _held_back(card.name)]
    if not held:
        return None
    return replace(
        _moved(idea, at, held[0]),
        title=f"Promotion: {lower(idea.title)}, on the task held back",
        statement=f"Trained and tested on the task held back instead: {lower(idea.statement)}",
        rationale="What was chosen on some tasks is confirmed on a task that it could not be "
        "chosen for {{citep:kapoor2023leakage}}.",
        cites=("kapoor2023leakage",),
    )


def _moved(idea: Idea, at: Setting, task: str) -> Idea:
    """All arms trained on another task."""
    return replace(
        idea,
        treatment=tuple(arms.on(at, arm, task) for arm in idea.treatment),
        control=tuple(arms.on(at, arm, task) for arm in idea.control),
        baselines=(),
        tasks=(task,),
    )


def _without_convolution(at: Setting, arm: Arm) -> Arm | None:
    body = Architecture.model_validate(arm.arguments["architecture"])
    if not any(layer.convolution for layer in body.layers):
        return None
    layers = tuple(layer.model_copy(update={"convolution": 0}) for layer in body.layers)
    bare = body.model_copy(update={"layers": layers}).model_dump(mode="json")
    arguments = {**arm.arguments, "architecture": bare}
    for known in (arms.plain_attention(at), arms.plain_linear(at)):
        if known.arguments == arguments:
            return known
    names = {"name": f"{arm.name}-bare", "label": f"{arm.label}, bare"}
    return arm.model_copy(update={**names, "arguments": arguments})


def _held_back(task: str) -> bool:
    return find_sequence_task(task).held_back
