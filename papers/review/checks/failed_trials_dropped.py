"""Failed trials that the paper keeps quiet about."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import every_reference
from sandbox.records import FailureLine, TrialLine


@check("failed_trials_dropped")
def failed_trials_dropped(case: Case) -> Iterable[Finding]:
    """Trials failed or were killed, and the paper neither counts nor lists them."""
    failed = [trial for trial in case.ledger.lines(TrialLine) if trial.status != "ok"]
    used = {reference.expression for _, reference in every_reference(case.manuscript)}
    if not failed or "count:trials.failed" in used or "count:failures" in used:
        return
    told = {
        failure.trial
        for failure in case.ledger.lines(FailureLine)
        if f"failure:{failure.id}" in used
    }
    silent = [t for t in failed if t.id not in told and f"trial:{t.id}.status" not in used]
    if silent:
        sentence = (
            "Of {{count:trials|d}} trials, {{count:trials.failed|d}} failed; a failed trial gives "
            "no value and is not replaced."
        )
        yield found(
            "sec:limitations",
            f"failed trials that are not mentioned: {len(silent)} of {len(failed)}, such as "
            f"{silent[0].arm} with seed {silent[0].seed}: {silent[0].reason or silent[0].status}",
            "state {{count:trials.failed|d}}",
            Mend(action="add-paragraph", section="sec:limitations", new=sentence),
        )
