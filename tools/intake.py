"""From what a trial left to sealed evidence: read as hostile, scored on the trusted side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import JsonValue

from sandbox.errors import OutputRejected
from sandbox.ledger import Ledger
from sandbox.records import CostLine, EvidenceLine, FailureLine, Split, TrialLine, short_id
from tools.made import check_made
from tools.measures import MEASURES, MeasureUnit
from tools.result_file import read_result
from tools.roster import Planned
from tools.scorer import labels_digest, scorer_digest
from tools.sheets import answer_of, joined, sheets
from tools.subject import Subject
from tools.tasks.asked import logits_bytes
from tools.tasks.mark import Mark, mark
from tools.tasks.task import Item
from tools.trial import SearchPoint, TrialResult
from tools.trial_folder import ANSWERS, RESULT, Ending, TrialFolder

Labels = Mapping[str, Mapping[Split, tuple[Item, ...]]]
MOST_RESULT_BYTES = 8 << 20
_FIX = "`hanji show RUN` lists the trial's folder with its stdout.log and stderr.log"


class Intake:
    """Turns endings into ledger lines. The trial's own is the last: all others are there then."""

    def __init__(self, subject: Subject, ledger: Ledger) -> None:
        self._subject = subject
        self._ledger = ledger
        self._labels: dict[int, Labels] = {}
        self._cards = {card.name: card for card in subject.cards}

    def record(self, planned: Planned, ending: Ending, folder: TrialFolder) -> TrialLine:
        """Append evidence, cost, any failure and the trial; doing it twice changes nothing."""
        found: dict[str, JsonValue] = {}
        if ending.verdict == "ok":
            try:
                result = self.read(planned, ending, folder)
            except OutputRejected as error:
                ending = ending.model_copy(update={"verdict": "failed", "reason": str(error)})
            else:
                for line in self._evidence(planned, ending, result):
                    self._ledger.append(line)
                found = result.found
        cost = _cost(planned, ending, folder)
        if self._ledger.find(CostLine, cost.id) is None:
            self._ledger.append(cost)
        return self._close(planned, ending, found)

    def refuse(self, planned: Planned, reason: str) -> TrialLine:
        """Record a trial that could not start, with the reason."""
        ending = Ending(verdict="failed", reason=reason, isolation="not run")
        return self._close(planned, ending, {})

    def _close(self, planned: Planned, ending: Ending, found: dict[str, JsonValue]) -> TrialLine:
        line = _trial(planned, ending, found)
        if line.status != "ok":
            what = f"{planned.arm}, seed {planned.spec.seed}: {line.reason}"
            self._ledger.append(
                FailureLine(
                    id=short_id(["failure", line.id]),
                    stage="trial",
                    what=what,
                    fix=_FIX,
                    trial=line.id,
                )
            )
        self._ledger.append(line)
        return line

    def read(self, planned: Planned, ending: Ending, folder: TrialFolder) -> TrialResult:
        """What the trial left, checked as hostile data. Raises OutputRejected; records nothing."""
        if "result.json" in ending.rejected or not folder.result.is_file():
            raise OutputRejected(ending.rejected.get("result.json", "it left no result.json"))
        if (planned.leaves_model or planned.apart) and not ending.model_digest:
            refused = [why for name, why in ending.rejected.items() if name.startswith("model")]
            raise OutputRejected("; ".join(refused) or "it left no model")
        room = self._room(planned)
        result = read_result(folder.result, room)
        if planned.apart:
            if refused := [w for name, w in ending.rejected.items() if name.startswith(ANSWERS)]:
                raise OutputRejected("; ".join(refused))
            said = self._answers(planned, folder, room)
            result = result.model_copy(update={"predictions": said})
        self._check_answers(planned, result)
        self._check_search(result)
        return result

    def _answers(
        self, planned: Planned, folder: TrialFolder, room: int
    ) -> dict[str, dict[Split, list[str]]]:
        """What other jobs answered; what the trial's own says of answers is not read."""
        answer = answer_of(planned)
        assert answer is not None
        check_made(planned, answer, folder)
        given = sheets(planned, self._subject)
        said = [
            read_result(folder.answers(number) / RESULT, room).predictions
            for number in range(1, len(given) + 1)
        ]
        return joined(given, said, self._subject.cards, self._items(planned.spec.seed))

    def _room(self, planned: Planned) -> int:
        """The most bytes of a result: what distributions take comes on top of all else."""
        labels = self._items(planned.spec.seed)
        asked = (
            (items, card.classes)
            for card in self._cards.values()
            if card.kind == "bits"
            for items in labels[card.name].values()
        )
        return MOST_RESULT_BYTES + sum(
            logits_bytes(len(items), sum(len(i.answer.split()) for i in items), classes)
            for items, classes in asked
        )

    def _check_answers(self, planned: Planned, result: TrialResult) -> None:
        labels = self._items(planned.spec.seed)
        for task, splits in result.predictions.items():
            if task not in labels:
                raise OutputRejected("result.json answers a task that it was not given")
            for split, answers in splits.items():
                expected = len(labels[task][split])
                if len(answers) != expected:
                    raise OutputRejected(
                        f"{len(answers)} answers for {task} ({split}), not {expected}"
                    )
        for task, split in sorted(planned.wanted):
            if split not in result.predictions.get(task, {}):
                raise OutputRejected(f"result.json has no answers for {task} ({split})")

    def _check_search(self, result: TrialResult) -> None:
        counted = [point.evaluation for point in result.search]
        if counted != sorted(set(counted)):
            raise OutputRejected("result.json: the search's evaluations are not in order")
        groups = set(self._subject.groups)
        roles = {role.name for role in self._subject.roles}
        for role, weights in result.coefficients.items():
            if role not in roles or not set(weights) <= groups:
                raise OutputRejected("result.json has coefficients of unknown roles or groups")

    def _evidence(
        self, planned: Planned, ending: Ending, result: TrialResult
    ) -> Iterator[EvidenceLine]:
        labels = self._items(planned.spec.seed)
        for task, splits in sorted(result.predictions.items()):
            for split, answers in sorted(splits.items()):
                items = labels[task][split]
                marked = mark(self._cards[task], answers, items)
                yield _marked(planned, task, split, marked, labels_digest(items))
        yield from self._measured(planned, ending, result)

    def _measured(
        self, planned: Planned, ending: Ending, result: TrialResult
    ) -> Iterator[EvidenceLine]:
        if result.evaluations:
            yield self._value(planned, "evaluations", result.evaluations, "count", "neither")
        if not ending.resumed:
            yield self._value(planned, "cpu_s", ending.cpu_s, "s", "lower")
        for point in _milestones(result.search):
            yield self._value(planned, f"best:{point.evaluation}", point.best, "fraction", "higher")
        for role, weights in sorted(result.coefficients.items()):
            for group, weight in weights.items():
                name = f"coefficient:{role}/{group}"
                yield self._value(planned, name, weight, "coefficient", "neither")
        for name, value in sorted(result.measures.items()):
            known = MEASURES[name]
            yield self._value(planned, name, value, known.unit, known.better)

    def _value(
        self,
        planned: Planned,
        metric: str,
        value: float,
        unit: MeasureUnit | Literal["coefficient"],
        better: Literal["higher", "lower", "neither"],
    ) -> EvidenceLine:
        return EvidenceLine(
            id=short_id([planned.id, metric, self._subject.primary, "dev"]),
            metric=metric,
            task=self._subject.primary,
            split="dev",
            value=value,
            unit=unit,
            better=better,
            items=1,
            arm=planned.arm,
            seed=planned.spec.seed,
            trial=planned.id,
            code_digest=planned.spec.code_digest,
            data_digest=planned.spec.data_digest,
        )

    def _items(self, seed: int) -> Labels:
        if seed not in self._labels:
            self._labels[seed] = self._subject.items(seed)
        return self._labels[seed]


def _marked(planned: Planned, task: str, split: Split, marked: Mark, labels: str) -> EvidenceLine:
    return EvidenceLine(
        id=short_id([planned.id, marked.metric, task, split]),
        metric=marked.metric,
        task=task,
        split=split,
        value=marked.value,
        unit=marked.unit,
        better=marked.better,
        items=marked.items,
        correct=marked.correct,
        arm=planned.arm,
        seed=planned.spec.seed,
        trial=planned.id,
        code_digest=planned.spec.code_digest,
        data_digest=planned.spec.data_digest,
        scorer_digest=scorer_digest(),
        labels_digest=labels,
    )


def _milestones(search: list[SearchPoint]) -> list[SearchPoint]:
    """Evaluations 1, 2, 5, 10, 25, every fiftieth and the last: enough to draw the progress."""
    early = {1, 2, 5, 10, 25}
    kept = [p for p in search if p.evaluation in early or p.evaluation % 50 == 0]
    return kept if not search or kept[-1:] == search[-1:] else [*kept, search[-1]]


def _cost(planned: Planned, ending: Ending, folder: TrialFolder) -> CostLine:
    return CostLine(
        id=short_id(["cost", planned.id]),
        what=f"trial {planned.id}",
        wall_s=0.0 if ending.cached else ending.wall_s,
        cpu_s=0.0 if ending.cached else ending.cpu_s,
        disk_bytes=folder.disk_bytes(),
        trials=1,
    )


def _trial(planned: Planned, ending: Ending, found: dict[str, JsonValue]) -> TrialLine:
    spec = planned.spec
    return TrialLine(
        id=planned.id,
        tool=spec.tool,
        arm=planned.arm,
        arguments=spec.arguments,
        seed=spec.seed,
        status=ending.verdict,
        limit=ending.limit,
        reason=ending.reason,
        terms=ending.terms,
        wall_s=ending.wall_s,
        cpu_s=ending.cpu_s,
        memory_peak_bytes=ending.memory_peak_bytes,
        isolation=ending.isolation,
        code_digest=spec.code_digest,
        data_digest=spec.data_digest,
        result_digest=ending.result_digest,
        needs=tuple(spec.needs.values()),
        cached=ending.cached,
        found=found,
        answer_digests=ending.answers,
    )
