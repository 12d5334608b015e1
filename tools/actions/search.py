"""Search for the weights of a merge on the dev split."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from sandbox.errors import BadInput
from tools.answer import Answer
from tools.bench import Bench
from tools.merging.apart import WEIGHTS, asked, said_or_left
from tools.tool import NamedCode, of_kind, tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from tools.merging.blend import Blend
    from tools.merging.evolve import Point, Space
    from tools.merging.method_blend import MethodBlend
    from tools.tasks.answer import Fit, Speaker

TASK_ARITHMETIC = "task_arithmetic"
LOSS_WEIGHT = 0.05
"""Share of the cross-entropy in the fitness: it tells apart candidates of equal accuracy."""


class SearchArguments(BaseModel):
    """Searches with equal `evaluations` and `dev_items` can be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Literal["evolve", "random", "grid"] = "evolve"
    task: str = Field(description="task whose dev items are optimised", min_length=1)
    roles: tuple[str, ...] = Field(min_length=1, max_length=4, description="models to merge")
    base: str = Field("base", min_length=1, description="role of their common base")
    evaluations: int = Field(300, ge=10, le=5000, description="candidates, start grid included")
    groups: Literal["layerwise", "component", "model"] = Field(
        "layerwise", description="what has a coefficient of its own, for each parent"
    )
    keep: tuple[str, ...] = Field((), description="tasks to keep: a second objective, half of it")
    dev_items: int | None = Field(None, ge=1, description="use only the first so many dev items")
    sigma: float = Field(0.25, gt=0.0, le=1.0, description="size of the first steps")
    population: int = Field(12, ge=4, le=100, description="candidates of one CMA-ES generation")
    method: str = Field(TASK_ARITHMETIC, description="merge method whose weights are searched")
    parameters: dict[str, StrictBool | float] = Field({}, description="the method's own")
    own_methods: dict[str, str] = Field(
        {}, max_length=1, description="the method where it is not built in: SHA-256 of its file"
    )

    def code(self) -> tuple[NamedCode, ...]:
        """The method that is not built in."""
        return of_kind("merge_method", self.own_methods)

    def needs(self) -> tuple[str, ...]:
        """Roles whose checkpoints the call reads."""
        return (self.base, *self.roles)

    def stands_for(self) -> str:
        """Which search of the permanent baselines it is: those are of task arithmetic."""
        if self.method != TASK_ARITHMETIC or self.parameters:
            return "method-search"
        names = {"evolve": "evolution", "random": "random-search", "grid": "task-arithmetic-grid"}
        return names[self.strategy]


def _answer(arguments: SearchArguments, bench: Bench) -> TrialResult:
    return TrialResult(predictions=asked(arguments.base, bench))


ANSWER = Answer(_answer, (WEIGHTS,), reads=lambda arguments: (arguments.base,))


@tool("search", place="sandbox", cpu_s=7.0, answer=ANSWER)
def search(arguments: SearchArguments, bench: Bench) -> TrialResult:
    """Search the weights of a merge on dev items: by evolution, at random or on a grid."""
    from tools.merging.evolve import Search, Space, run
    from tools.merging.train import stream

    blend = _blend(arguments, bench)
    space = Space(arguments.roles, blend.groups, _resolution(arguments))
    seeker = Search(
        evaluate=_fitness(arguments, bench, blend, space),
        limit=arguments.evaluations,
        journal=bench.journal,
        note=bench.note,
    )
    seed = stream(bench.seed, "search", arguments.strategy)
    point = run(arguments.strategy, space, seeker, seed, arguments.sigma, arguments.population)
    coefficients = space.coefficients(point)
    return TrialResult(
        predictions=said_or_left(blend.set(coefficients), bench),
        search=seeker.history,
        coefficients=coefficients,
        evaluations=len(seeker.history),
    )


def _blend(arguments: SearchArguments, bench: Bench) -> Blend | MethodBlend:
    """What the weights are of: task vectors, added up fast, or any merge method."""
    from tools.merging.blend import Blend
    from tools.merging.method import find_method
    from tools.merging.method_blend import MethodBlend

    base, parents = bench.models[arguments.base], {r: bench.models[r] for r in arguments.roles}
    if arguments.stands_for() != "method-search":
        return Blend(base, parents)
    method = find_method(arguments.method)
    method.check_models(len(parents), has_base=True)
    return MethodBlend(base, parents, method, method.check(arguments.parameters), bench.seed)


def _resolution(arguments: SearchArguments) -> Literal["layerwise", "component", "model"]:
    return "model" if arguments.strategy == "grid" else arguments.groups


def _fitness(
    arguments: SearchArguments, bench: Bench, blend: Blend | MethodBlend, space: Space
) -> Callable[[Point], float]:
    """Accuracy less a little of the cross-entropy.

    With `keep`, half of it is the mean of the same over the kept tasks.
    """
    from tools.tasks.answer import examine

    def examination(name: str) -> Callable[[Speaker], Fit]:
        if name not in bench.tasks:
            raise BadInput(f"search: unknown task {name!r}", f"known: {', '.join(bench.tasks)}")
        view = bench.tasks[name]
        return examine(view, blend.speaker.tokenizer, view.dev[: arguments.dev_items])

    main = examination(arguments.task)
    kept = [examination(name) for name in arguments.keep]

    def value(fit: Fit) -> float:
        return fit.accuracy - LOSS_WEIGHT * fit.cross_entropy

    def fitness(point: Point) -> float:
        speaker = blend.set(space.coefficients(point))
        found = value(main(speaker))
        if kept:
            others = sum(value(ask(speaker)) for ask in kept) / len(kept)
            found = (found + others) / 2
        return found

    return fitness
