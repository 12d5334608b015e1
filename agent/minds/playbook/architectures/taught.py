"""Arms that are taught otherwise than by the labels of one training."""

from __future__ import annotations

from pydantic import JsonValue

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Setting
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.experiment import Arm
from tools.tasks.sequence import find_sequence_task

WORLDS = ("life", "life_rollout")
"""Tasks whose sequences are states of a world, a question mark a cell."""
RUNS = ("selective_copy", "fuzzy_recall")
"""Tasks that ask about several positions in a row, so that there are further answers ahead."""
MANY = "domains"
"""The task with several domains."""
FEW = 75
"""Part of a world's training states that is shown."""
PLACES = {"latent_prediction": WORLDS, "multi_token": RUNS}
"""Objective -> the tasks that it can be learned on, where these are not all."""


def aimed(
    at: Setting,
    name: str,
    label: str,
    architecture: Architecture,
    objective: str,
    *,
    task: str = "",
    **parameters: JsonValue,
) -> Arm:
    """An architecture trained by that objective."""
    arm = arms.trained(at, name, label, architecture, task=task)
    return _with(arm, objective={"name": objective, "parameters": parameters})


def hastened(at: Setting, arm: Arm) -> Arm:
    """The same in half of the steps, for what is dear or learned before they are over."""
    return _with(arm, steps=_half(at))


def upscaled(at: Setting, name: str, label: str, shallow: Architecture, **how: JsonValue) -> Arm:
    """A shallow architecture trained, made deeper and trained on. how: as of the tool."""
    arm = arms.trained(at, name, label, shallow)
    return _with(arm.model_copy(update={"tool": "upscale_architecture"}), **how)


def distilled(
    at: Setting,
    name: str,
    label: str,
    student: Architecture,
    teacher: Architecture,
    *,
    task: str = "",
    like: Architecture | None = None,
) -> Arm:
    """A student taught by a teacher, or by one for each domain of the task.

    A teacher takes half as many steps as its student. The student of several takes half as many as
    other arms of the run, for in each of its steps it asks them all.
    """
    arm = arms.trained(at, name, label, student, task=task, like=like)
    several = find_sequence_task(str(arm.arguments["task"])).domains > 1
    steps = _half(at) if several else arms.SCALES[arms.size_of(at)].steps
    body = teacher.model_dump(mode="json")
    choice: dict[str, JsonValue] = {"architecture": body, "steps": steps // 2}
    arm = arm.model_copy(update={"tool": "distil_architecture"})
    return _with(arm, steps=steps, teacher=choice)


def fits(arm: Arm, task: str) -> bool:
    """Whether the arm can be trained and scored on another task as it is at home."""
    home, other = (find_sequence_task(name) for name in (str(arm.arguments["task"]), task))
    chosen = arm.arguments.get("objective")
    objective = str(chosen.get("name")) if isinstance(chosen, dict) else ""
    places = PLACES.get(objective, (task,))
    if arms.of_library(arm) and not arms.library_takes(task):
        return False
    return task in places and home.domains == other.domains and home.scored == other.scored


def latent_world(at: Setting, task: str) -> Arm:
    """A world model held to the next state's representation as well as to its cells."""
    label = "Latent prediction"
    return _world(at, "latent-world", label, task, latent=1.0, reconstruction=1.0)


def plain_world(at: Setting, task: str) -> Arm:
    """The same network, held to the next state's cells alone."""
    label = "Next-state prediction"
    return _world(at, "next-state-world", label, task, latent=0.0, reconstruction=0.0)


def _world(at: Setting, name: str, label: str, task: str, **weights: JsonValue) -> Arm:
    """An encoder of a state's cells, which learned positions tell apart, and a transition.

    It learns from few states: from many, the rule of Life is learned without a fault.
    """
    size = find_sequence_task(task).sizes[arms.size_of(at)]
    lengths = [find_sequence_task(world).sizes[arms.size_of(at)].length for world in WORLDS]
    one = Layer(mixer=Choice(block="softmax_attention"), channel=arms.glu())
    body = arms.of(at, one, position="learned", longest=max(lengths) // 2)
    aim = "latent_prediction"
    arm = aimed(at, name, label, body, aim, task=task, questions=True, **weights)
    return _with(arm, changes={"train": size.train // FEW})


def routed_student(at: Setting) -> Arm:
    """Of a teacher a domain: a position goes through as many parameters as in `dense_student`."""
    label = "A routed student of domain teachers"
    return distilled(at, "routed-student", label, _routed(at), _dense(at), task=MANY)


def dense_student(at: Setting) -> Arm:
    """Of the same teachers, and of their own size."""
    label = "A dense student of domain teachers"
    return distilled(at, "dense-student", label, _dense(at), _dense(at), task=MANY)


def large_student(at: Setting) -> Arm:
    """Of the same teachers, with as many parameters as the routed student has in all."""
    body, label = _dense(at), "A large dense student of domain teachers"
    return distilled(at, "large-student", label, body, body, task=MANY, like=_routed(at))


def _routed(at: Setting) -> Architecture:
    parameters = {"expansion": 0.5, "experts": 6, "active": 2, "balance": "loss"}
    routed = Choice.model_validate({"block": "mixture_of_experts", "parameters": parameters})
    return _student(at, routed)


def _dense(at: Setting) -> Architecture:
    return _student(at, arms.glu())


def _student(at: Setting, channel: Choice) -> Architecture:
    """Attention, then attention with a channel mixer."""
    last = arms.layer("softmax_attention", channel=channel)
    return arms.of(at, arms.layer("softmax_attention"), last)


def _half(at: Setting) -> int:
    """Steps of hastened arms."""
    return arms.SCALES[arms.size_of(at)].steps // 2


def _with(arm: Arm, **arguments: JsonValue) -> Arm:
    return arm.model_copy(update={"arguments": {**arm.arguments, **arguments}})
