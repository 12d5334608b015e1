"""A mind proposes, designs, acts, interprets, writes and revises; it acts only through tool calls.

Every request is a frozen dataclass of facts, every reply a pydantic model that is checked when it
enters. A mind is added by a file in `agent/minds/` with `@mind("x")` on a function from Settings to
a Mind.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import catalogue
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent.minds.recall import Recall, forget
from sandbox.errors import UnknownName
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, HypothesisLine, MemoryLine, Relation, VerdictLine
from tools.experiment import Arm, Experiment
from tools.subject import Subject

if TYPE_CHECKING:
    from agent.settings import Settings
    from papers.draft import Prose
    from papers.manuscript import Manuscript
    from papers.review.advice import Advice
    from papers.review.finding import Finding


class Reply(BaseModel):
    """What a mind answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(Reply):
    """One call of a tool."""

    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class Calls(Reply):
    """The tool calls that the mind wants made."""

    calls: tuple[Call, ...] = ()


class Contrast(Reply):
    """What a hypothesis compares that belongs to no family; see PairedTest.

    predicted_effect, null_effect: of treatment less control, in the metric. tasks: none for the
    primary one.
    """

    treatment: Arm
    control: Arm
    predicted_effect: float
    null_effect: float = 0.0
    metric: str = "accuracy"
    tasks: tuple[str, ...] = ()


class Proposal(Reply):
    """A hypothesis as a mind proposes it; see HypothesisLine. contrast: where no family has one."""

    family: str
    title: str
    statement: str
    rationale: str
    prediction: str
    refuted_by: str
    parent: str = ""
    relation: Relation = ""
    cites: tuple[str, ...] = ()
    contrast: Contrast | None = None


class Proposals(Reply):
    """A batch of hypotheses for one round, why these, and the scores of all that were weighed."""

    hypotheses: tuple[Proposal, ...] = ()
    why: str = ""
    weights: dict[str, float] = Field(default_factory=dict)


class Designs(Reply):
    """Experiments, at most one for each hypothesis asked about."""

    experiments: tuple[Experiment, ...] = ()


class Reading(Reply):
    """What a round means to the mind.

    again: it expects that a further round would teach something.
    """

    again: bool
    why: str


@dataclass(frozen=True)
class Known:
    """What is known about one hypothesis.

    ruling: provisional until the run's last round, empty while unmeasured. troubles: arm -> what
    kept half of its trials or more from a fair result: `memory`, `time` or `diverged`.
    """

    hypothesis: HypothesisLine
    experiment: Experiment | None
    comparison: ComparisonLine | None
    ruling: str
    troubles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SurveyRequest:
    """Find literature for the question."""

    question: str
    subject: Subject


@dataclass(frozen=True)
class RoundRequest:
    """Where the run stands before a round of at most `room` hypotheses.

    afford_cpu_s: what their trials may cost together. price: (arms, seeds) -> CPU-seconds of the
    trials not yet made. seeds: those of the first round; fresh: seeds that no trial has used yet,
    empty when the data allow no more. evaluations: dev evaluations that each search is given.
    recall: looks a comparison up in the lab's memory. remembered: all that earlier runs answered
    about this subject.
    """

    question: str
    subject: Subject
    round: int
    room: int
    afford_cpu_s: float
    price: Callable[[tuple[Arm, ...], tuple[int, ...]], float]
    known: tuple[Known, ...]
    seeds: tuple[int, ...]
    fresh: tuple[int, ...]
    evaluations: int
    seed: int
    recall: Recall = forget
    remembered: tuple[MemoryLine, ...] = ()


@dataclass(frozen=True)
class ProposeRequest(RoundRequest):
    """Propose hypotheses for this round. first: families that the topic asks for."""

    first: tuple[str, ...] = ()


@dataclass(frozen=True)
class DesignRequest:
    """Turn hypotheses into experiments.

    refusals: hypothesis id -> why its last plan was refused. gate: ids of those that are a part of
    a gate, whose tests say so. contrasts: hypothesis id -> what it was proposed to compare, of
    those that belong to no family.
    """

    hypotheses: tuple[HypothesisLine, ...]
    subject: Subject
    known: tuple[Known, ...]
    seeds: tuple[int, ...]
    fresh: tuple[int, ...]
    evaluations: int
    alpha: float
    family_size: int
    refusals: Mapping[str, str]
    gate: frozenset[str] = frozenset()
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)


@dataclass(frozen=True)
class ActRequest:
    """Emit the tool calls that carry out the open plans."""

    round: int
    plans: tuple[Experiment, ...]


@dataclass(frozen=True)
class InterpretRequest(RoundRequest):
    """Say whether a further round would teach something."""


@dataclass(frozen=True)
class WriteRequest:
    """Write the paper's prose. The ledger is for reading.

    plans: experiment id -> frozen plan. stopped: why the run asked no more.
    """

    question: str
    title: str
    language: str
    subject: Subject
    ledger: Ledger
    facts: Mapping[str, JsonValue]
    plans: Mapping[str, JsonValue]
    known: tuple[Known, ...]
    verdicts: tuple[VerdictLine, ...]
    literature: tuple[str, ...]
    stopped: str


@dataclass(frozen=True)
class ReviseRequest:
    """Answer the findings of a review round with a better text of the same evidence.

    advice: a model's findings, which no check stands behind.
    """

    round: int
    prose: Prose
    manuscript: Manuscript
    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...] = ()


class Mind(Protocol):
    """What proposes, designs, interprets and writes."""

    name: str
    description: str

    def survey(self, request: SurveyRequest) -> Calls:
        """Literature searches to make."""
        ...

    def propose(self, request: ProposeRequest) -> Proposals:
        """Hypotheses for the next round; none when nothing is worth its cost."""
        ...

    def design(self, request: DesignRequest) -> Designs:
        """One experiment for each hypothesis."""
        ...

    def act(self, request: ActRequest) -> Calls:
        """Calls that make the trials of the open plans."""
        ...

    def interpret(self, request: InterpretRequest) -> Reading:
        """Whether to go on."""
        ...

    def write(self, request: WriteRequest) -> Prose:
        """The paper's prose."""
        ...

    def revise(self, request: ReviseRequest) -> Prose:
        """The prose after a review; the same prose when nothing in it is to be changed."""
        ...


Maker = Callable[["Settings"], Mind]
M = TypeVar("M", bound=Maker)
_minds = catalogue.create("hanji", "minds", entry_points=True)


def mind(name: str) -> Callable[[M], M]:
    """Declare a mind: the function makes one from the settings."""

    def declare(maker: M) -> M:
        _minds.register(name, func=maker)
        return maker

    return declare


def check_mind(name: str) -> None:
    """Raise UnknownName."""
    if name not in _all():
        raise UnknownName("mind", name, list(_all()))


def find_mind(name: str, settings: Settings) -> Mind:
    """The mind of that name. Raises UnknownName with the known ones."""
    check_mind(name)
    return _all()[name](settings)


def _all() -> dict[str, Maker]:
    import agent.minds

    for module in pkgutil.iter_modules(agent.minds.__path__):
        importlib.import_module(f"agent.minds.{module.name}")
    return dict(_minds.get_all())
