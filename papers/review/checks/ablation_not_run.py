"""An ablation that is told and was not run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.claim import sentences, supposed
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import prose
from sandbox.records import PlanLine

_ABLATION = re.compile(r"\bablat\w+", re.IGNORECASE)
_OTHERWISE = re.compile(r"\b(?:no|not|without|future|later|cite[p]?:)", re.IGNORECASE)


@check("ablation_not_run")
def ablation_not_run(case: Case) -> Iterable[Finding]:
    """The text speaks of an ablation, and no frozen plan of the run is one."""
    planned = {line.hypothesis for line in case.ledger.lines(PlanLine)}
    ablated = any(
        line.id in planned and (line.relation == "ablate" or "ablat" in line.family)
        for line in case.hypotheses
    )
    if ablated:
        return
    for passage in prose(case.manuscript):
        for sentence in sentences(passage.text):
            match = _ABLATION.search(sentence)
            if match and not _is_open(sentence, match) and not _OTHERWISE.search(sentence):
                mend = drop(passage, sentence)
                fix = "drop the sentence, or freeze and run the ablation"
                yield found(passage.quote(match.group(0)), "no ablation was run", fix, mend)


def _is_open(sentence: str, ablation: re.Match[str]) -> bool:
    """Whether it is wished for or asked about: before its word, or up to the end of its clause."""
    ends = re.compile("[,;:()]").search(sentence, ablation.end())
    return supposed(sentence, ends.start() if ends else len(sentence))
