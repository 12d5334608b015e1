"""Arms compared that were tuned at different costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from papers.planned import side_of
from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import every_reference, passages
from sandbox.records import ComparisonLine, EvidenceLine

_EQUAL = re.compile(
    r"\b(?:equal|same|equally many|as many) (?:number of )?"
    r"(?:evaluations|budgets?|cost|steps|(?:learning )?rates|trials)\b",
    re.I,
)
TOLERANCE = 0.1
SPENT = {
    "evaluations": ("evaluations", ""),
    "rates_tried": ("learning rates", ""),
    "training_steps": ("training steps", "steps"),
}
"""Metric of what tuning spends: what to call it, and the argument that grants it.

Where there is one it counts: a training that diverges early was granted no less.
"""


@check("unequal_tuning", blocking=False)
def unequal_tuning(case: Case) -> Iterable[Finding]:
    """Two arms with different evaluations, rates or steps are compared, and the paper is silent."""
    for metric, (words, argument) in SPENT.items():
        spent = _granted(case, argument) if argument else _measured(case, metric)
        yield from _unequal(case, spent, Spent(metric, words, argument))


@dataclass(frozen=True)
class Spent:
    """What tuning spends: a metric of the evidence, or an argument of the plan."""

    metric: str
    words: str
    argument: str

    def told(self, arm: str, used: list[str]) -> bool:
        """Whether the paper quotes it for this arm."""
        planned = f".arm.{arm}.{self.argument or self.metric}"
        return any(
            (name.endswith(f"/{self.metric}") and f":{arm}/" in name) or name.endswith(planned)
            for name in used
        )

    def quote(self, case: Case, experiment: str, arm: str) -> str:
        """A reference to it."""
        if self.argument:
            return f"{{{{plan:{experiment}.arm.{arm}.{self.argument}|d}}}}"
        return f"{{{{max:{arm}/{case.primary}/dev/{self.metric}|d}}}}"


def _unequal(case: Case, spent: Mapping[str, float], what: Spent) -> Iterable[Finding]:
    used = [reference.expression for _, reference in every_reference(case.manuscript)]
    for line in case.ledger.lines(ComparisonLine):
        counts = {arm: spent[arm] for arm in _arms(case, line) if arm in spent}
        if len(counts) < 2 or max(counts.values()) <= min(counts.values()) * (1 + TOLERANCE):
            continue
        told = [arm for arm in counts if what.told(arm, used)]
        claimed = _claims_equality(case, line.hypothesis)
        if claimed or len(told) < len(counts):
            few, many = sorted(counts, key=lambda arm: counts[arm])[:: len(counts) - 1]
            sentence = (
                f"{{{{plan:{line.experiment}.arm.{many}.label|text}}}} spent "
                f"{what.quote(case, line.experiment, many)} {what.words} and "
                f"{{{{plan:{line.experiment}.arm.{few}.label|text}}}} "
                f"{what.quote(case, line.experiment, few)}."
            )
            yield found(
                claimed or "sec:results",
                f"{many} spent {counts[many]:.0f} {what.words} a seed and {few} {counts[few]:.0f}",
                "state both numbers where the two are compared",
                Mend(action="add-paragraph", section="sec:limitations", new=sentence),
            )


def _granted(case: Case, argument: str) -> dict[str, float]:
    """Arm -> what its plan allows it."""
    given = {name: arm.arguments.get(argument) for name, arm in case.arms.items()}
    return {name: float(value) for name, value in given.items() if isinstance(value, int | float)}


def _measured(case: Case, metric: str) -> dict[str, float]:
    """Arm -> the mean of what it spent on being tuned."""
    found: dict[str, list[float]] = {}
    for line in case.ledger.lines(EvidenceLine):
        if line.metric == metric and line.value > 0:
            found.setdefault(line.arm, []).append(line.value)
    return {arm: sum(values) / len(values) for arm, values in found.items()}


def _arms(case: Case, line: ComparisonLine) -> list[str]:
    sides = [side_of(case.plans, line.experiment, name) for name in ("treatment", "control")]
    arms = [arm for side in sides if side is not None for arm in side.arms]
    return list(dict.fromkeys(arms))


def _claims_equality(case: Case, hypothesis: str) -> str:
    """The place where the text says that these two were compared at equal cost."""
    title = next((line.title for line in case.hypotheses if line.id == hypothesis), None)
    for passage in passages(case.manuscript):
        own = passage.section == f"sec:{hypothesis}" or case.titles.get(passage.section) == title
        if own and passage.role == "paragraph" and _EQUAL.search(passage.words):
            return passage.quote()
    return ""
