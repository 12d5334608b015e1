"""The arms that search the grammar: equal starts, candidates, steps and size in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Setting
from tools.experiment import Arm
from tools.tasks.sequence import ProfileName

SEARCHES_ARCHITECTURES = "search_architecture"


@dataclass(frozen=True)
class Effort:
    """What a search may spend. passes: most layers of a candidate."""

    evaluations: int
    steps: int
    population: int
    passes: int


EFFORTS: Mapping[ProfileName, Effort] = {
    "quick": Effort(evaluations=12, steps=150, population=6, passes=3),
    "default": Effort(evaluations=40, steps=600, population=12, passes=6),
    "paper": Effort(evaluations=200, steps=2000, population=40, passes=12),
}


def evolved(at: Setting) -> Arm:
    """The best of regularised evolution with a surrogate."""
    return _search(at, "evolved-architecture", "An evolved architecture", strategy="evolve")


def random_search(at: Setting) -> Arm:
    """The best of as many drawn at random."""
    return _search(at, "random-architecture", "The best of random search", strategy="random")


def searches(arm: Arm) -> bool:
    """Whether the arm is such a search."""
    return arm.tool == SEARCHES_ARCHITECTURES


def without_surrogate(at: Setting, arm: Arm) -> tuple[Arm, str] | None:
    """Evolution that trains the first child it makes, and the part in words; None of other arms."""
    if not searches(arm) or arm.arguments.get("strategy") != "evolve":
        return None
    name, label = "evolved-blindly", "An evolved architecture without the surrogate"
    return _search(at, name, label, strategy="evolve", proposals=1), "the surrogate"


def hand_made(at: Setting, task: str = "") -> tuple[Arm, ...]:
    """What people made: attention behind convolutions, a hybrid, SSD."""
    return (arms.attention(at, task), arms.hybrid(at, task), arms.ssd(at, task))


def permanent(at: Setting, arm: Arm) -> tuple[Arm, ...]:
    """What a search is compared with before it may be called better, on its own task."""
    task = str(arm.arguments["task"])
    other = arms.on(at, random_search(at), task)
    moved = {name: arm.arguments[name] for name in ("search_task",) if name in arm.arguments}
    other = arms.named(at, other.model_copy(update={"arguments": {**other.arguments, **moved}}))
    return (other, *hand_made(at, task))


def confirmed_on(arm: Arm, searched: str) -> Arm:
    """A search on the task where it was made; the best is trained and tested on the arm's own."""
    if not searches(arm):
        return arm
    return arm.model_copy(update={"arguments": {**arm.arguments, "search_task": searched}})


def _search(at: Setting, name: str, label: str, **how: JsonValue) -> Arm:
    """From linear attention alone, the least of the known order, at the size of attention."""
    effort = EFFORTS[arms.size_of(at)]
    plain, like = arms.plain_linear(at), arms.attention_body(at)
    arguments = {name: given for name, given in plain.arguments.items() if name != "architecture"}
    more: dict[str, JsonValue] = {
        "start": [plain.arguments["architecture"]],
        "match": {"quantity": "parameters", "like": like.model_dump(mode="json")},
        "evaluations": effort.evaluations,
        "search_steps": effort.steps,
        "population": effort.population,
        "passes": effort.passes,
    }
    arguments |= {**more, **how}
    return Arm(name=name, label=label, tool=SEARCHES_ARCHITECTURES, arguments=arguments)
