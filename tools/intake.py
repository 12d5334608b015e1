"""From what a trial left to sealed evidence: read as hostile, scored on the trusted side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import JsonValue, ValidationError

from sandbox.collect import read_json
from sandbox.errors import OutputRejected
from sandbox.ledger import Ledger
from sandbox.records import CostLine, EvidenceLine, FailureLine, Split, TrialLine, short_id
from tools.architectures.architecture import Architecture
from tools.measures import MEASURES, MeasureUnit, wrong_measure
from tools.roster import Planned
from tools.subject import Subject
from tools.tasks.asked import logits_bytes
from tools.tasks.mark import Mark, mark
from tools.tasks.task import Item
from tools.trial import SearchPoint, TrialResult
from tools.trial_folder import Ending, TrialFolder

Labels = Mapping[str, Mapping[Split, tuple[Item, ...]]]
MOST_RESULT_BYTES = 8 << 20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
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
        if planned.leaves_model and not ending.model_digest:
            refused = [why for name, why in ending.rejected.items() if name.startswith("model")]
            raise OutputRejected("; ".join(refused) or "it left no model")
        try:
            result = TrialResult.model_validate(read_json(folder.result, self._room(planned)))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])[:80]
            raise OutputRejected(f"result.json: {where!r}: {first['msg'][:120]}") from error
        self._check_answers(planned, result)
        self._check_search(result)
        _check_measures(result)
        _check_found(result)
        return result

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
                marked = mark(self._cards[task], answers, labels[task][split])
                yield _marked(planned, task, split, marked)
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


def _check_measures(result: TrialResult) -> None:
    for name, value in result.measures.items():
        if wrong := wrong_measure(name, value):
            raise OutputRejected(f"result.json: measures: {wrong}")


def _check_found(result: TrialResult) -> None:
    """An architecture of the grammar, with names and values that a paper can print."""
    if not result.found:
        return
    try:
        body = Architecture.model_validate(result.found)
    except ValidationError as error:
        raise OutputRejected("result.json: found is no architecture") from error
    chosen = [choice for layer in body.layers for choice in (layer.mixer, layer.channel) if choice]
    words = [choice.block for choice in chosen]
    for choice in chosen:
        for name, value in choice.parameters.items():
            words += [name, value] if isinstance(value, str) else [name]
            if not isinstance(value, str | bool | int | float):
                raise OutputRejected("result.json: found has a parameter that is no single value")
    if not all(_NAME.fullmatch(word) for word in words):
        raise OutputRejected("result.json: found has a name that no block or parameter has")


def _marked(planned: Planned, task: str, split: Split, marked: Mark) -> EvidenceLine:
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
    )
