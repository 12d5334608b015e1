"""What every family of hypotheses must satisfy, whatever it is about."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from agent.minds.mind import DesignRequest
from agent.minds.playbook.family import Idea, find_family
from agent.minds.playbook.playbook import Playbook
from agent.minds.playbook.relations import FRESH
from papers.claim import assertions
from papers.review.checks.untraced_number import NUMBER
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine
from tools.actions.train_architecture import sized
from tools.architectures.matching import Quantity, Ruler
from tools.architectures.training_arguments import TrainArchitectureArguments
from tools.experiment import Arm, Experiment
from tools.freeze import check_plan, freeze
from tools.literature.library import Library
from tools.subject import Subject
from tools.tasks.sequence import find_sequence_task
from tools.tool import find_tool

SEEDS = tuple(range(8))


def line_of(idea: Idea, family: str, relation: str = "") -> HypothesisLine:
    """The hypothesis as the ledger has it."""
    told = ("title", "statement", "rationale", "prediction", "refuted_by", "cites")
    said = {field: getattr(idea, field) for field in told}
    return HypothesisLine(id=f"{family}-0", family=family, round=1, relation=relation, **said)


def designed(
    lines: Iterable[HypothesisLine], subject: Subject, **more: object
) -> tuple[Experiment, ...]:
    """The hypotheses' plans, each on its seeds and with an effect that its test can find.

    more: other fields of the request.
    """
    given = {"known": (), "seeds": SEEDS, "fresh": tuple(range(20, 28)), "family_size": 12}
    request = DesignRequest(
        tuple(lines), subject, evaluations=40, alpha=0.05, refusals={}, **(given | more)
    )
    plans = Playbook().design(request).experiments
    for line, plan in zip(request.hypotheses, plans, strict=True):
        assert plan.seeds == (request.fresh if line.relation in FRESH else request.seeds)
        assert plan.test.predicted_effect >= plan.test.null_effect
    return plans


def check_freezable(lines: Sequence[HypothesisLine], subject: Subject, **more: object) -> None:
    """A run would freeze their plans, each as its first; nothing is written."""
    nowhere = Path("/nonexistent")
    for plan in designed(lines, subject, **more):
        check_plan(plan, subject, Ledger(nowhere / "ledger.jsonl"), nowhere)


def frozen(
    lines: Sequence[HypothesisLine], subject: Subject, folder: Path, **more: object
) -> tuple[Ledger, tuple[Experiment, ...]]:
    """The same plans, frozen below the folder, with their ledger."""
    folder.mkdir(exist_ok=True)
    plans = designed(lines, subject, **more)
    ledger = Ledger(folder / "ledger.jsonl")
    for line in lines:
        ledger.append(line)
    for plan in plans:
        freeze(plan, subject, ledger, folder)
    return ledger, plans


def check_prose(idea: Idea) -> None:
    """It holds no numbers and cites the works that it lists, all known; the prediction has one."""
    prose = " ".join((idea.title, idea.statement, idea.rationale))
    assert not re.search(r"\d", idea.title)  # a title's words are a name
    for text in (idea.statement, idea.rationale):
        assert not numbers_in(text), numbers_in(text)
    assert works_in(prose) == set(idea.cites) <= set(Library.embedded().keys()), works_in(prose)
    assert re.search(r"\d", idea.prediction), idea.prediction


def numbers_in(prose: str) -> set[str]:
    """What the review would take for a number without evidence."""
    return set(NUMBER.findall(re.sub(r"\{\{.*?\}\}", "", prose)))


def works_in(prose: str) -> set[str]:
    """Keys of the works that it cites."""
    return set(re.findall(r"\w+", " ".join(re.findall(r"\{\{citep?:(.*?)\}\}", prose))))


def check_meaning(name: str, names: Iterable[str]) -> None:
    """Each ruling means something, in words, and no more than its test shows.

    What is linked is another of the names.
    """
    family = find_family(name)
    assert set(family.meaning) == {"supported", "refuted", "inconclusive"}
    assert not any(numbers_in(text) for text in family.meaning.values())
    assert not any(assertions(family.meaning[ruling]) for ruling in ("refuted", "inconclusive"))
    assert set(family.links) <= set(names) - {name}


def check_names(arms: Iterable[Arm]) -> None:
    """An arm's name stands for one call, and a call has one name."""
    calls: dict[str, tuple[str, str]] = {}
    names: dict[str, str] = {}
    for arm in arms:
        call = repr(find_tool(arm.tool).normal(arm.arguments))
        assert calls.setdefault(arm.name, (arm.tool, call)) == (arm.tool, call)
        assert names.setdefault(call, arm.name) == arm.name


def counted(arm: Arm, quantity: Quantity = "parameters", task: str = "") -> float:
    """Of the model as the trial would train it, on the arm's own task unless another is given."""
    given = {k: v for k, v in arm.arguments.items() if k in TrainArchitectureArguments.model_fields}
    call = TrainArchitectureArguments.model_validate(given | ({"task": task} if task else {}))
    size = find_sequence_task(call.task).sizes[call.size]
    ruler = Ruler(quantity, size.vocabulary, size.length, size.classes)
    with torch.device("meta"):
        return ruler.measure(sized(call, size)[0])
