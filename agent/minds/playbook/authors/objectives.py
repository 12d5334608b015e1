"""What a paper says of how arms were taught: objectives, teachers, stages."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from agent.minds.playbook.story import Story
from sandbox.records import EvidenceLine
from tools.architectures.architecture import Architecture
from tools.experiment import Arm

Planned = tuple[str, Arm]
"""Experiment id and arm."""

LABELS = "cross-entropy at the positions that the task asks about"
STATES = "cross-entropy of the next state's cells"
OBJECTIVES = {
    "next_token": LABELS,
    "multi_token": "cross-entropy of the answer asked and, each by a layer of its own that is left "
    "out afterwards, of answers further ahead, averaged {{citep:deepseek2024v3}}",
    "masked_diffusion": "the bound of masked diffusion {{citep:sahoo2024mdlm,nie2025llada}}",
    "block_diffusion": "the bound of block diffusion {{citep:arriola2025block}}",
    "distillation": "the divergence from the teacher's softened distribution, beside the "
    "cross-entropy of the labels {{citep:hinton2015distilling}}",
    "latent_prediction": f"{STATES}, of the present state's cells, and the distance between the "
    "predicted representation and that of the true next state {{citep:ha2018world}}",
}
WORLD = (
    "A world model encodes the cells of a state, moves the representation a step on by a further "
    "layer and decodes it; its attention sees all cells of the state."
)
TOOLS = {
    "upscale_architecture": "An up-scaled arm trains a shallow model first, makes a deeper model "
    "of copies of its layers {{citep:kim2024solar}}, and trains on; both stages together spend as "
    "many operations as the training of the deep model alone, and their steps add up.",
    "distil_architecture": "A distilled arm trains its teachers first, at the same learning rates "
    "and on labels alone; where the task has domains, each has a teacher that sees no sequence of "
    "another domain. The student then takes its steps, in which the teacher of a sequence's domain "
    "reads the sequence too.",
    "compress_architecture": "A compressed arm repeats a training, makes the weights of the kept "
    "model smaller without training on, and answers with that: rounding keeps small whole numbers "
    "and a scale for each row of a matrix {{citep:dettmers2022int8}}, pruning leaves out the "
    "weights that are smallest in magnitude {{citep:frankle2019lottery}}. Products are computed "
    "from weights that are unpacked, so what is saved is memory.",
}
"""What a tool does beyond training, for those that do more."""


def aims(arms: Sequence[Arm]) -> list[str]:
    """What the arms minimise, each objective once."""
    return sorted({_aim(arm) for arm in arms})


def _aim(arm: Arm) -> str:
    chosen = arm.arguments.get("objective")
    given = chosen if isinstance(chosen, dict) else {}
    usual = "distillation" if arm.tool == "distil_architecture" else "next_token"
    name = str(given.get("name", usual))
    if name == "latent_prediction" and not _weighs(given.get("parameters")):
        return STATES
    return OBJECTIVES.get(name, f"the loss of the objective {{{{code:{name}}}}}")


def _weighs(parameters: JsonValue) -> bool:
    """Whether anything beside the next state's cells counts."""
    given = parameters if isinstance(parameters, dict) else {}
    return any(given.get(name, 1.0) for name in ("latent", "reconstruction"))


def beyond(story: Story, arms: Sequence[Planned]) -> str:
    """What some arms do besides, and what their teachers cost."""
    tools = sorted({arm.tool for _, arm in arms})
    parts = [TOOLS[name] for name in tools if name in TOOLS]
    if any(_aim(arm) in (STATES, OBJECTIVES["latent_prediction"]) for _, arm in arms):
        parts.append(WORLD)
    parts += _teachers(story, arms)
    return "".join(f" {part}" for part in parts)


def bodies(arms: Sequence[Planned]) -> list[Architecture]:
    """The architectures of teachers."""
    given = [arm.arguments.get("teacher") for _, arm in arms]
    return [Architecture.model_validate(g["architecture"]) for g in given if isinstance(g, dict)]


def _teachers(story: Story, arms: Sequence[Planned]) -> list[str]:
    """What the teachers' trainings took, for no comparison of students counts it."""
    costs = "teacher_training_s"
    measured = {line.arm for line in story.ledger.lines(EvidenceLine) if line.metric == costs}
    told = [_beside(story, *planned) for planned in arms if planned[1].name in measured]
    if not told:
        return []
    return [
        "The teachers' training comes on top of that. In the mean over seeds and in processor "
        f"time, the trainings that were kept took {'; '.join(told)}."
    ]


def _beside(story: Story, plan: str, arm: Arm) -> str:
    """As in `3.1 s, then 9.8 s for the distilled student`."""
    before, after = (
        f"{{{{mean:{arm.name}/{story.primary}/dev/{name}|s}}}}"
        for name in ("teacher_training_s", "training_s")
    )
    return f"{before}, then {after} for {{{{plan:{plan}.arm.{arm.name}.label|inline}}}}"
