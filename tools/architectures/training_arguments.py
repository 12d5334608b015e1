"""What a call that trains is given: task, steps and rates, the architecture, and its match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from tools.architectures.foreign import Candidate
from tools.architectures.hand_made import hand_made
from tools.architectures.ticks import Ticks
from tools.tasks.sequence import ProfileName, find_sequence_task
from tools.tasks.variation import varied
from tools.tool import NamedCode, of_kind

if TYPE_CHECKING:
    from tools.architectures.matching import Ruler
    from tools.tasks.sequence import Size

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
    own_tasks: dict[str, str] = Field(
        default_factory=dict,
        max_length=2,
        description="tasks that are not built in: the SHA-256 of the file that draws each",
    )

    @model_validator(mode="after")
    def _about_it(self) -> TrainingArguments:
        others = self.own_tasks.keys() - {self.task, getattr(self, "search_task", "")}
        if others:
            raise ValueError(f"own_tasks names {sorted(others)[0]!r}, which the call does not use")
        return self

    def drawn(self) -> tuple[NamedCode, ...]:
        """The files that draw tasks which are not built in."""
        return of_kind("task", self.own_tasks)

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

    architecture: Candidate
    match: Match | None = None
    own_blocks: dict[str, str] = Field(
        default_factory=dict,
        max_length=4,
        description="blocks of the architecture that are not built in: the SHA-256 of their files",
    )
    own_objectives: dict[str, str] = Field(
        default_factory=dict,
        max_length=1,
        description="the objective where it is not built in: the SHA-256 of its file",
    )

    @model_validator(mode="after")
    def _taught_by_it(self) -> TrainArchitectureArguments:
        if self.own_objectives and self.objective.name not in self.own_objectives:
            raise ValueError(f"own_objectives does not name the objective {self.objective.name!r}")
        if self.own_objectives and isinstance(self.architecture, Ticks):
            raise ValueError("a model that thinks in ticks is taught by the loss of its ticks")
        return self

    def code(self) -> tuple[NamedCode, ...]:
        """Every block that is not built in, and the objective where it is not."""
        return (*of_kind("block", self.own_blocks), *of_kind("objective", self.own_objectives))

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
