"""One seed, or the best one, quoted as the result."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.claim import sentences
from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import Passage, Quoted, passages, quoted, tables
from sandbox.records import EvidenceLine

_SAID = re.compile(
    r"\b(?:seeds?|best|worst|highest|lowest|maximum|minimum|max|min|rang(?:e|es|ed|ing)|from|between|"
    r"at most|at least|up to|as (?:high|low) as|largest|smallest|single)\b",
    re.IGNORECASE,
)


@check("cherry_picked_seed")
def cherry_picked_seed(case: Case) -> Iterable[Finding]:
    """A value of one seed or of the best seed is quoted as if it were the result over seeds."""
    for passage in passages(case.manuscript):
        if passage.role in ("paragraph", "item", "caption", "note"):
            for sentence in sentences(passage.text):
                yield from _in_sentence(case, passage, sentence)
    for _, _, table in tables(case.manuscript):
        titles = [column.title for column in table.columns]
        by_seed = any(_SAID.search(title) for title in titles) or _SAID.search(table.caption)
        for passage in passages(case.manuscript):
            if (
                passage.table == table.label
                and passage.role == "cell"
                and table.label == "tab:main"
            ):
                yield from _in_cell(case, passage, bool(by_seed))


def _in_sentence(case: Case, passage: Passage, sentence: str) -> Iterable[Finding]:
    plain = re.sub(r"\{\{.*?\}\}", " ", sentence)
    if _SAID.search(plain):
        return
    for reference in quoted(passage):
        braced = f"{{{{{reference.body}}}}}"
        if braced in sentence and _of_one_seed(case, reference):
            mean = _mean_of(case, reference)
            mend = Mend(
                action="replace-text" if mean else "drop-sentence",
                section=passage.section,
                block=passage.block,
                old=braced if mean else sentence,
                new=mean,
            )
            yield found(
                passage.quote(braced),
                "a single seed's value stands as the result",
                f"write {mean or 'the mean over seeds'}, or say which seed it is",
                mend,
            )


def _in_cell(case: Case, passage: Passage, said: bool) -> Iterable[Finding]:
    for reference in quoted(passage):
        best = reference.source in ("max", "min", "median")
        accuracy = len(reference.by_arm) == 3
        if (best and accuracy) or (reference.source in ("at", "ev") and not said):
            what = "the main table shows one seed where a mean belongs"
            fix = f"write {_mean_of(case, reference) or 'the mean over seeds'}"
            yield found(passage.quote(reference.body), what, fix)


def _of_one_seed(case: Case, reference: Quoted) -> bool:
    """Whether it is an accuracy of one seed among several."""
    if reference.source == "ev":
        line = case.ledger.find(EvidenceLine, reference.name)
        return line is not None and line.metric == "accuracy" and case.replicates(line) > 1
    if reference.source == "at":
        return len(reference.by_arm) == 4
    return reference.source in ("max", "min") and len(reference.by_arm) == 3


def _mean_of(case: Case, reference: Quoted) -> str:
    form = reference.form or ".3f"
    if reference.source == "ev":
        line = case.ledger.find(EvidenceLine, reference.name)
        return f"{{{{mean:{line.arm}/{line.task}/{line.split}|{form}}}}}" if line else ""
    return f"{{{{mean:{'/'.join(reference.by_arm[:3])}|{form}}}}}"
