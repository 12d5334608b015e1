"""A choice made on the items that then judge it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.planned import PlannedSide, side_of
from papers.review.check import check
from papers.review.finding import Case, Finding, found
from papers.review.passage import passages, quoted
from sandbox.records import ComparisonLine, EvidenceLine, TrialLine

SELECTING = (
    "search",
    "finetune",
    "train_architecture",
    "upscale_architecture",
    "compress_architecture",
    "compare_speed",
)
"""Tools that choose among candidates on dev items."""
TRIED = ("evaluations", "rates_tried")
"""Metrics of how many candidates there were."""
SCORES = ("accuracy", "bits", "dev_accuracy", "dev_loss")
"""Metrics of the items themselves; what else a trial counts is kept beside dev and is no score."""
_TRACE = re.compile(r"best:\d+|fitness(?::.*)?")


@check("selected_on_test")
def selected_on_test(case: Case) -> Iterable[Finding]:
    """A search used the test split, or what was selected on the dev split is also judged on it."""
    for line in case.ledger.lines(EvidenceLine):
        if line.split == "test" and _TRACE.fullmatch(line.metric):
            what = f"the search of {line.arm}, seed {line.seed}, saw the test split"
            yield found(
                f"ledger, evidence {line.id}", what, "search on dev items, judge on test items"
            )
            break
    searched = _selected(case)
    for trial in case.ledger.lines(TrialLine):
        if trial.arm in searched and trial.arguments.get("split") == "test":
            what = f"its {trial.tool} was told to use the test split"
            yield found(
                f"ledger, trial {trial.id}", what, "search on dev items, judge on test items"
            )
    yield from _judged(case, searched)
    yield from _quoted(case, searched)


def _selected(case: Case) -> set[str]:
    """Arms that dev items chose, by their tool or, whatever the tool, by what it counted."""
    tried = {
        line.arm
        for line in case.ledger.lines(EvidenceLine)
        if line.metric in TRIED and line.value > 1
    }
    return tried | {t.arm for t in case.ledger.lines(TrialLine) if t.tool in SELECTING}


def _judged(case: Case, searched: set[str]) -> Iterable[Finding]:
    for line in case.ledger.lines(ComparisonLine):
        treatment, control = (
            side_of(case.plans, line.experiment, name) for name in ("treatment", "control")
        )
        where = f"ledger, comparison {line.id}"
        for name, side in (("treatment", treatment), ("control", control)):
            on_dev = side is not None and side.split == "dev" and searched.intersection(side.arms)
            own = name == "control" and _is_its_own_test(treatment, control)
            if line.metric in SCORES and on_dev and not own:
                what = f"its {name} was selected on the dev split and is judged on it"
                yield found(where, what, "judge on the test split under a new plan")
        if treatment is not None and len(treatment.arms) > 1:
            what = "its treatment is the best of several arms, chosen on the items that judge it"
            yield found(where, what, "fix one treatment arm in the plan", severity="major")


def _is_its_own_test(treatment: PlannedSide | None, control: PlannedSide | None) -> bool:
    """Whether the plan asks if an optimum transfers: the same arm on test items against dev items.

    The selected dev value favours the control, so this may not flatter the treatment.
    """
    if treatment is None or control is None:
        return False
    return treatment.arms == control.arms and treatment.split == "test"


def _quoted(case: Case, searched: set[str]) -> Iterable[Finding]:
    """Dev accuracies of searched arms, quoted without saying so."""
    for passage in passages(case.manuscript):
        if passage.role == "axis" or re.search(
            r"\bdev(?:elopment)?\b", passage.text.split("{{")[0]
        ):
            continue
        for reference in quoted(passage):
            arm, split = (*reference.by_arm, "", "", "")[0], (*reference.by_arm, "", "", "")[2]
            rest = reference.by_arm[3:]
            rest = rest[1:] if reference.source == "at" else rest
            accuracy = not rest or rest == ("dev_accuracy",)
            said = re.search(r"\bdev(?:elopment)?\b", passage.words)
            if split == "dev" and arm.partition("@")[0] in searched and accuracy and not said:
                what = f"the accuracy of {arm} on the split that selected it is quoted as a result"
                yield found(passage.quote(reference.body), what, "quote the test split")
