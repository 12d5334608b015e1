"""Search the grammar of architectures on dev items, then train the best in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sandbox.errors import BadInput
from tools.actions.train_architecture import LIMITS, Swept, course, reported, view_of
from tools.architectures.apart import ANSWER
from tools.architectures.architecture import Architecture
from tools.architectures.training_arguments import Match, TrainingArguments
from tools.bench import Bench
from tools.tasks.sequence import Batch, SequenceTask, Size, find_sequence_task
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import nn

    from tools.architectures.evolution import Space
    from tools.architectures.exam import Exam
    from tools.architectures.objective import Aim

LOSS_WEIGHT = 0.05
"""Share of the cross-entropy in the fitness: it tells apart candidates of equal accuracy."""
MOST_NATS = 10.0
"""A larger cross-entropy counts as this."""
STANDS_FOR = {"evolve": "architecture-evolution", "random": "architecture-random-search"}


class SearchArchitectureArguments(TrainingArguments):
    """Searches that differ in the strategy alone can be compared.

    The candidates are trained for a few steps at a single rate and judged on dev items; the best is
    trained as train_architecture does it, at every rate and for all steps.
    """

    strategy: Literal["evolve", "random"] = "evolve"
    start: tuple[Architecture, ...] = Field(
        min_length=1, max_length=8, description="the first candidates, causal ones"
    )
    match: Match = Field(description="the size that every candidate is brought to, within 5%")
    evaluations: int = Field(16, ge=2, le=5000, description="candidates trained, starts included")
    search_steps: int = Field(200, ge=1, le=200_000, description="gradient steps of a candidate")
    search_rate: float = Field(
        0.0, ge=0, le=1, description="peak rate of candidates; 0 for the middle one of rates"
    )
    search_task: str = Field("", description="search on another task, never one that is held back")
    passes: int = Field(4, ge=1, le=64, description="most layers a token goes through")
    population: int = Field(6, ge=2, le=1000, description="members of evolution")
    tournament: int = Field(3, ge=1, le=1000, description="members of which the best is a parent")
    proposals: int = Field(
        8, ge=1, le=1000, description="children that the surrogate ranks; 1 for no surrogate"
    )

    @property
    def candidate_rate(self) -> float:
        """The rate at which candidates are trained."""
        return self.search_rate or sorted(self.rates)[len(self.rates) // 2]

    @property
    def searched(self) -> str:
        """The task of the search."""
        return self.search_task or self.task

    def cost_s(self) -> float:
        """CPU seconds of all candidates and of the best one's training at every rate."""
        layers = max(len(body.layers) * body.loops for body in self.start)
        whole = self.training_s(self.start[0].width, layers)
        return whole * (1 + self.evaluations * self.search_steps / (self.steps * len(self.rates)))

    def stands_for(self) -> str:
        """Which search of the permanent baselines it is."""
        return STANDS_FOR[self.strategy]


@tool("search_architecture", place="sandbox", cpu_s=90.0, policy=LIMITS, answer=ANSWER)
def search_architecture(arguments: SearchArchitectureArguments, bench: Bench) -> TrialResult:
    """Search an architecture on dev items, evolving or at random; train it; answer the test."""
    from tools.architectures.evolution import Breeding, Search, run
    from tools.architectures.sweep import check_rates, sweep
    from tools.merging.train import stream

    view_of(arguments, bench)
    _check_searched(arguments.searched)
    check_rates(arguments.rates)
    lesson = _lesson(arguments, arguments.searched, bench.seed)
    seeker = Search(
        lambda body: _fitness(arguments, lesson, body),
        arguments.evaluations,
        bench.journal,
        bench.note,
    )
    breeding = Breeding(arguments.population, arguments.tournament, arguments.proposals)
    seed = stream(bench.seed, "search", "architecture")
    best = run(arguments.strategy, _space(arguments, lesson.size), seeker, seed, breeding)
    lines = [f"{len(seeker.tried)} candidates tried on dev items of {lesson.task.name}"]
    if arguments.searched != arguments.task:
        lesson = _lesson(arguments, arguments.task, bench.seed)
        best, line = _resized(_space(arguments, lesson.size), best)
        lines.append(line)
    one = course(arguments, arguments.rates[0])
    found = sweep(
        lesson.new(best), arguments.rates, one, lesson.train, lesson.dev, bench.seed,
        lesson.aim.loss, lesson.exam.fit,
    )  # fmt: skip
    lines.append(f"found {best.model_dump_json(exclude_defaults=True)}")
    result = reported(Swept(found, lesson.exam, best, lines), arguments, bench)
    return result.model_copy(
        update={
            "search": seeker.history,
            "evaluations": len(seeker.history),
            "found": best.model_dump(mode="json"),
        }
    )


@dataclass(frozen=True)
class _Lesson:
    """What candidates are trained on and judged by."""

    task: SequenceTask
    size: Size
    train: Batch
    dev: Batch
    exam: Exam
    aim: Aim
    seed: int

    def new(self, architecture: Architecture) -> Callable[[], nn.Module]:
        """Makes the same untrained model every time."""
        import torch

        from tools.architectures.new_backbone import drawn

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return lambda: drawn(lambda: self.exam.candidate(self.aim, architecture), self.seed).to(
            device
        )


def _lesson(arguments: SearchArchitectureArguments, name: str, seed: int) -> _Lesson:
    from tools.architectures.exam import Exam
    from tools.architectures.objective import find_objective

    task = find_sequence_task(name)
    size = arguments.drawn_size if name == arguments.task else task.sizes[arguments.size]
    train, dev = (task.data(part, seed, size) for part in ("train", "dev"))
    aim = find_objective(arguments.objective.name).make(arguments.objective.parameters)
    return _Lesson(task, size, train, dev, Exam.of(task, size, train), aim, seed)


def _fitness(
    arguments: SearchArchitectureArguments, lesson: _Lesson, architecture: Architecture
) -> float:
    """On dev items after a short training: accuracy less a little of the cross-entropy.

    For a task that is scored in bits, less all of the cross-entropy.
    """
    from tools.architectures.train import train

    short = arguments.model_copy(update={"steps": arguments.search_steps})
    one = course(short, arguments.candidate_rate)
    trained = train(lesson.new(architecture)(), lesson.train, one, lesson.seed, lesson.aim.loss)
    fit = lesson.exam.fit(trained.model, lesson.dev)
    nats = min(fit.cross_entropy, MOST_NATS)
    return -nats if lesson.task.scored == "bits" else fit.accuracy - LOSS_WEIGHT * nats


def _space(arguments: SearchArchitectureArguments, size: Size) -> Space:
    from tools.architectures.evolution import Space
    from tools.architectures.matching import Ruler

    ruler = Ruler(arguments.match.quantity, size.vocabulary, size.length, size.classes)
    return Space(arguments.start, ruler, arguments.match.aim(ruler), arguments.passes)


def _resized(space: Space, found: Architecture) -> tuple[Architecture, str]:
    """The architecture for another task's vocabulary, and what was done."""
    sized = space.sized(found)
    if sized is None:
        reached = space.ruler.measure(found)
        return found, f"not resized for the task: {space.ruler.quantity} {reached:g}"
    return sized, "resized for the task"


def _check_searched(name: str) -> None:
    if find_sequence_task(name).held_back:
        raise BadInput(
            f"{name} is held back from every search",
            "search on another task (search_task) and train the best on this one",
        )
