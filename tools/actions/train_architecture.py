"""Train an architecture on a sequence task and ask it the held-out questions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from sandbox.policy import MIB, Policy
from sandbox.records import Split
from tools.architectures.apart import ANSWER, body, leave
from tools.architectures.architecture import Architecture
from tools.architectures.foreign import Candidate, Foreign
from tools.architectures.ticks import Ticks
from tools.architectures.training_arguments import (
    TimedTrainingArguments,
    TrainArchitectureArguments,
    TrainingArguments,
)
from tools.bench import Bench
from tools.tasks.sequence import find_sequence_task
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import nn

    from tools.architectures.exam import Exam
    from tools.architectures.matching import Matched
    from tools.architectures.sweep import Attempt, Sweep
    from tools.architectures.train import Course
    from tools.tasks.sequence import Size
    from tools.tasks.task import TaskView

LIMITS = Policy(
    trust="builtin",
    wall_s=6 * 3600.0,
    cpu_s=6 * 3600.0,
    memory_bytes=8192 * MIB,
    disk_bytes=2304 * MIB,
    file_bytes=2048 * MIB,
)
"""They stop a runaway; the budget of a training is its steps. Weights are left for the answers."""


@dataclass(frozen=True)
class Swept:
    """What came of trainings at each rate. made: what was trained, its size matched.

    exam: that on dev chose. lines: what people are told before the rates.
    """

    found: Sweep
    exam: Exam
    made: Candidate
    lines: list[str]


@tool("train_architecture", place="sandbox", cpu_s=60.0, policy=LIMITS, answer=ANSWER, keeps=True)
def train_architecture(arguments: TimedTrainingArguments, bench: Bench) -> TrialResult:
    """Train an architecture at each learning rate, keep the best on dev, answer the test."""
    return reported(swept(arguments, bench), arguments, bench)


def swept(arguments: TrainArchitectureArguments, bench: Bench) -> Swept:
    """The trainings at each rate.

    An objective that is not built in teaches the plain model of next tokens, and makes none itself.
    """
    import torch

    from tools.architectures.exam import Exam
    from tools.architectures.lessons import teach
    from tools.architectures.new_backbone import drawn
    from tools.architectures.objective import find_objective
    from tools.architectures.sweep import sweep

    view_of(arguments, bench)
    task, size = find_sequence_task(arguments.task), arguments.drawn_size
    train, dev = (task.data(part, bench.seed, size) for part in ("train", "dev"))
    exam = Exam.of(task, size, train)
    aim = find_objective(arguments.objective.name).make(arguments.objective.parameters)
    architecture, matched = sized(arguments, size)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def candidate() -> nn.Module:
        return drawn(lambda: exam.candidate(body(arguments), architecture), bench.seed).to(device)

    rates, one = arguments.rates, course(arguments, arguments.rates[0])
    own = teach if isinstance(architecture, Ticks) else None
    found = sweep(
        candidate, rates, one, train, dev, bench.seed, aim.loss, exam.fit, own, bench.kept
    )
    lines = [f"matched {matched.sentence}"] if matched is not None else []
    return Swept(found, exam, architecture, lines)


def view_of(arguments: TrainingArguments, bench: Bench) -> TaskView:
    """The task as the trial sees it. Raises BadInput when the subject has it not."""
    if arguments.task not in bench.tasks:
        known = ", ".join(bench.tasks)
        raise BadInput(f"unknown task {arguments.task!r}", f"known: {known}")
    return bench.tasks[arguments.task]


def reported(
    done: Swept,
    arguments: TrainingArguments,
    bench: Bench,
    also: Mapping[str, float] = MappingProxyType({}),
    small: nn.Module | None = None,
) -> TrialResult:
    """The best model's answers, what it cost, and a line for each rate.

    Where another job answers, the model is left for it instead. also: measures that stand in place
    of those of the kept training. small: what was made of the best model, and answers for it.
    Raises BadInput when a model of causal blocks turns out to look ahead.
    """
    from tools.architectures.foresight import check_blind
    from tools.tasks.asked import prompts_of

    found, exam, view = done.found, done.exam, view_of(arguments, bench)
    model = found.best.trained.model
    check_blind(model, prompts_of(view.test or view.dev)[0], exam.size.vocabulary)
    measures = measures_of(found, arguments) | dict(also)
    return TrialResult(
        predictions=_said(done, small, arguments.task, bench),
        steps=int(measures["training_steps"]),
        measures={name: value for name, value in measures.items() if math.isfinite(value)},
        notes=done.lines + [_line(attempt) for attempt in found.attempts],
    )


def _said(
    done: Swept, small: nn.Module | None, task: str, bench: Bench
) -> dict[str, dict[Split, list[str]]]:
    """The answers; none where another job gives them, for which the whole model is left."""
    model = done.found.best.trained.model
    if bench.apart:
        leave(model, done.made, bench.work / "model")
        return {}
    view, model = bench.tasks[task], small or model
    said: dict[Split, list[str]] = {"test": done.exam.predictions(model, view.test)}
    if view.dev:
        said["dev"] = done.exam.predictions(model, view.dev)
    return {task: said}


def sized(
    arguments: TrainArchitectureArguments, size: Size
) -> tuple[Candidate, Matched[Architecture] | Matched[Ticks] | None]:
    """The architecture that is trained, and how it was matched."""
    from tools.architectures.matching import Ruler, match
    from tools.architectures.neuron_matching import match_neurons

    wanted = arguments.match
    if wanted is None:
        return arguments.architecture, None
    if isinstance(arguments.architecture, Foreign):
        raise BadInput(
            f"{arguments.architecture.family} is not resized to match",
            "match the architecture of blocks to it, with like",
        )
    ruler = Ruler(wanted.quantity, size.vocabulary, size.length, size.classes)
    found: Matched[Architecture] | Matched[Ticks]
    if isinstance(arguments.architecture, Ticks):
        if wanted.knob is not None:
            raise BadInput(f"neurons are matched, not the {wanted.knob}", "leave the knob out")
        found = match_neurons(arguments.architecture, ruler, wanted.aim(ruler))
    else:
        found = match(arguments.architecture, ruler, wanted.aim(ruler), wanted.knob)
    return found.architecture, found


def course(arguments: TrainingArguments, rate: float) -> Course:
    """At that peak rate, for all steps or all of the time."""
    from tools.architectures.train import Course

    return Course(
        rate=rate,
        steps=0 if arguments.cpu_s else arguments.steps,
        seconds=arguments.cpu_s,
        batch=arguments.batch,
        optimizer=arguments.optimizer,
        weight_decay=arguments.weight_decay,
    )


def measures_of(found: Sweep, arguments: TrainingArguments) -> dict[str, float]:
    """What tools/measures.py has names for."""
    from tools.architectures.counts import counted

    best = found.best
    trained = best.trained
    costs = counted(trained.model, arguments.drawn_size.length)
    tokens = trained.steps * arguments.step_tokens()
    return {
        **costs,
        "training_steps": trained.steps,
        "training_tokens": tokens,
        "training_flops": tokens * costs["training_flops_per_token"],
        "training_s": trained.seconds,
        "learning_rate": best.rate,
        "rates_tried": len(found.attempts),
        "rates_diverged": sum(attempt.trained.diverged for attempt in found.attempts),
        "diverged": float(trained.diverged),
        "plateau_steps": max((plateau.steps for plateau in trained.plateaus), default=0),
        "train_loss": trained.loss,
        "dev_accuracy": best.dev.accuracy,
        "dev_loss": best.dev.cross_entropy,
    }


def _line(attempt: Attempt) -> str:
    trained = attempt.trained
    return (
        f"rate {attempt.rate:g}: {trained.ended} after {trained.steps} steps, "
        f"dev accuracy {attempt.dev.accuracy:.4f}"
    )
