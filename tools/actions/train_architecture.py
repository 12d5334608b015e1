"""Train an architecture on a sequence task and ask it the held-out questions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from sandbox.errors import BadInput
from sandbox.policy import MIB, Policy
from sandbox.records import Seam, Split
from tools.architectures.architecture import Architecture
from tools.architectures.foreign import Candidate, Foreign
from tools.architectures.hand_made import hand_made
from tools.architectures.ticks import Ticks
from tools.bench import Bench
from tools.tasks.sequence import ProfileName, find_sequence_task
from tools.tasks.variation import varied
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import nn

    from tools.architectures.exam import Exam
    from tools.architectures.matching import Matched, Ruler
    from tools.architectures.sweep import Attempt, Sweep
    from tools.architectures.train import Course
    from tools.tasks.sequence import Size
    from tools.tasks.task import TaskView

LIMITS = Policy(trust="builtin", wall_s=6 * 3600.0, cpu_s=6 * 3600.0, memory_bytes=8192 * MIB)
"""They stop a runaway; the budget of a training is its steps."""
STEP_S, LAYER_S, FLOPS_PER_S = 2e-3, 2.5e-3, 2e10
"""Of a training step, for first estimates: its own time, each layer's, and one core's speed."""
MATRICES = 6
"""Square matrices of the model's width that a layer has, about."""


class Entry(BaseModel):
    """Part of a call."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Match(Entry):
    """A size that the architecture is brought to, within 5%, before it is trained."""

    quantity: Literal["parameters", "active", "state", "flops"]
    target: float = Field(
        0.0, ge=0, description="parameters, floats of state, or FLOPs per token; 0 for that of like"
    )
    like: Candidate | None = Field(None, description="what is matched when there is no target")
    knob: Literal["width", "expansion", "both"] | None = None

    @model_validator(mode="after")
    def _one_aim(self) -> Match:
        if (self.target > 0) == (self.like is not None):
            raise ValueError("give either a target or an architecture that it should be like")
        return self

    def aim(self, ruler: Ruler) -> float:
        """The target in the quantity's unit."""
        return self.target if self.like is None else ruler.measure(self.like)


class ObjectiveChoice(Entry):
    """An objective by name; parameters that are left out keep their defaults."""

    name: str = "next_token"
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class TrainingArguments(Entry):
    """What an architecture is trained on, and how."""

    task: str = Field(min_length=1, description="sequence task, see docs/tables.md")
    size: ProfileName = "quick"
    changes: dict[str, float] = Field(
        default_factory=dict, description="of the size: vocabulary, length, train or its difficulty"
    )
    objective: ObjectiveChoice = ObjectiveChoice()
    optimizer: str = Field("adamw", description="adamw or muon")
    rates: tuple[float, ...] = Field(
        (1e-3, 3e-3, 1e-2),
        min_length=1,
        max_length=12,
        description="peak rates: three or more to choose from on dev, or one chosen before",
    )
    steps: int = Field(800, ge=1, le=2_000_000, description="gradient steps at each rate")
    batch: int = Field(64, ge=1, le=65_536)
    weight_decay: float = Field(0.0, ge=0, le=10)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of a training, 0 where its budget is its steps."""
        return 0.0

    @property
    def drawn_size(self) -> Size:
        """The task's size, changed as asked."""
        return varied(find_sequence_task(self.task).sizes[self.size], self.changes)

    def step_tokens(self) -> int:
        """Tokens of one gradient step."""
        size = self.drawn_size
        return min(self.batch, size.train) * size.length

    def training_s(self, width: int, layers: int) -> float:
        """CPU seconds on one core: a step's own, each layer's, and those of its operations."""
        size = self.drawn_size
        weights = width * (size.vocabulary + size.classes) + MATRICES * layers * width**2
        step_s = STEP_S + LAYER_S * layers + 6 * weights * self.step_tokens() / FLOPS_PER_S
        return len(self.rates) * self.steps * step_s


class TrainArchitectureArguments(TrainingArguments):
    """Calls that differ in the architecture alone can be compared: equal data, steps and rates."""

    seam: ClassVar[Seam] = "block"

    architecture: Candidate
    match: Match | None = None
    own_blocks: dict[str, str] = Field(
        default_factory=dict,
        max_length=4,
        description="blocks of the architecture that are not built in: the SHA-256 of their files",
    )

    def code(self) -> dict[str, str]:
        """Every block that is not built in, with the SHA-256 of its file."""
        return self.own_blocks

    def stands_for(self) -> str:
        """Which hand-made baseline of a search it is, empty for none."""
        return hand_made(self.architecture)

    def cost_s(self) -> float:
        """CPU seconds of the training at every rate."""
        if isinstance(self.architecture, Ticks):
            rows = min(self.batch, self.drawn_size.train)
            step_s = self.architecture.step_s(rows, self.drawn_size.length)
            return len(self.rates) * self.steps * step_s
        return self.training_s(self.architecture.width, self.architecture.passes)


class TimedTrainingArguments(TrainArchitectureArguments):
    """The same, or for a time: how many steps that is depends on the machine."""

    seconds: float = Field(
        0.0, ge=0, le=6 * 3600, description="of CPU at each rate; steps do not count then"
    )

    @model_validator(mode="after")
    def _not_in_ticks(self) -> TimedTrainingArguments:
        if self.seconds and isinstance(self.architecture, Ticks):
            raise ValueError("ticks are taught in two lessons of so many steps each: give steps")
        return self

    @property
    def cpu_s(self) -> float:
        """CPU seconds of a training, 0 where its budget is its steps."""
        return self.seconds

    def cost_s(self) -> float:
        """CPU seconds of the training at every rate."""
        return len(self.rates) * self.seconds if self.seconds else super().cost_s()


@tool("train_architecture", place="sandbox", cpu_s=60.0, policy=LIMITS)
def train_architecture(arguments: TimedTrainingArguments, bench: Bench) -> TrialResult:
    """Train an architecture at each learning rate, keep the best on dev, answer the test."""
    found, exam, lines = swept(arguments, bench)
    return reported(found, exam, bench.tasks[arguments.task], arguments, lines)


def swept(arguments: TrainArchitectureArguments, bench: Bench) -> tuple[Sweep, Exam, list[str]]:
    """The trainings at each rate, the exam on dev that chose, and how the size was matched."""
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
        return drawn(lambda: exam.candidate(aim, architecture), bench.seed).to(device)

    rates, one = arguments.rates, course(arguments, arguments.rates[0])
    own = teach if isinstance(architecture, Ticks) else None
    found = sweep(candidate, rates, one, train, dev, bench.seed, aim.loss, exam.fit, own)
    return found, exam, [f"matched {matched.sentence}"] if matched is not None else []


def view_of(arguments: TrainingArguments, bench: Bench) -> TaskView:
    """The task as the trial sees it. Raises BadInput when the subject has it not."""
    if arguments.task not in bench.tasks:
        known = ", ".join(bench.tasks)
        raise BadInput(f"unknown task {arguments.task!r}", f"known: {known}")
    return bench.tasks[arguments.task]


def reported(
    found: Sweep,
    exam: Exam,
    view: TaskView,
    arguments: TrainingArguments,
    lines: list[str],
    also: Mapping[str, float] = MappingProxyType({}),
) -> TrialResult:
    """The best model's answers, what it cost, and a line for each rate after those given.

    also: measures that stand in place of those of the kept training. Raises BadInput when a model
    of causal blocks turns out to look ahead.
    """
    from tools.architectures.foresight import check_blind
    from tools.tasks.asked import prompts_of

    model = found.best.trained.model
    check_blind(model, prompts_of(view.test)[0], exam.size.vocabulary)
    said: dict[Split, list[str]] = {"test": exam.predictions(model, view.test)}
    if view.dev:
        said["dev"] = exam.predictions(model, view.dev)
    measures = measures_of(found, arguments) | dict(also)
    return TrialResult(
        predictions={arguments.task: said},
        steps=int(measures["training_steps"]),
        measures={name: value for name, value in measures.items() if math.isfinite(value)},
        notes=lines + [_line(attempt) for attempt in found.attempts],
    )


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
