"""Searches compared at different costs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import every_reference, passages
from papers.review.planned import side_of
from sandbox.records import ComparisonLine, EvidenceLine

_EQUAL = re.compile(
    r"\b(?:equal|same|equally many) (?:number of )?(?:evaluations|budgets?|cost)\b", re.I
)
TOLERANCE = 0.1


@check("unequal_tuning", blocking=False)
def unequal_tuning(case: Case) -> Iterable[Finding]:
    """Two searches with different numbers of evaluations are compared, and the paper is silent."""
    used = [reference.expression for _, reference in every_reference(case.manuscript)]
    spent = _evaluations(case)
    for line in case.ledger.lines(ComparisonLine):
        counts = {arm: spent[arm] for arm in _arms(case, line) if arm in spent}
        if len(counts) < 2 or max(counts.values()) <= min(counts.values()) * (1 + TOLERANCE):
            continue
        told = [
            arm
            for arm in counts
            if any(name.endswith("/evaluations") and f":{arm}/" in name for name in used)
            or any(name.startswith("plan:") and f".arm.{arm}." in name for name in used)
        ]
        claimed = _claims_equality(case, line.hypothesis)
        if claimed or len(told) < len(counts):
            few, many = sorted(counts, key=lambda arm: counts[arm])[:: len(counts) - 1]
            sentence = (
                f"{{{{plan:{line.experiment}.arm.{many}.label|text}}}} spent "
                f"{{{{max:{many}/{case.primary}/dev/evaluations|d}}}} evaluations and "
                f"{{{{plan:{line.experiment}.arm.{few}.label|text}}}} "
                f"{{{{max:{few}/{case.primary}/dev/evaluations|d}}}}."
            )
            yield found(
                claimed or "sec:results",
                f"{many} made {counts[many]:.0f} evaluations a seed and {few} {counts[few]:.0f}",
                "state both numbers where the two are compared",
                Mend(action="add-paragraph", section="sec:limitations", new=sentence),
            )


def _evaluations(case: Case) -> dict[str, float]:
    """Arm -> the mean number of evaluations on dev items."""
    found: dict[str, list[float]] = {}
    for line in case.ledger.lines(EvidenceLine):
        if line.metric == "evaluations" and line.value > 0:
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
