"""A model's findings on the paper: asked for beside the checks, answered, and told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from agent.lab import Lab
from agent.minds.reviews import ReviewRequest, Reviews
from agent.press import Press
from papers.review.advice import Advice, Opinion
from papers.review.finding import Case, Round
from sandbox.records import DecisionLine, short_id

WHAT = "answer to a model's review"
MOST_TOLD = 24
LEAD = (
    "Advice of {author} as a reviewer. No check stands behind it: it blocked nothing, changed no "
    "finding of the checks, and graded nothing."
)


def advised(lab: Lab, number: int, case: Case, found: Round) -> Round:
    """The round with what the mind has to say, where it reviews; asked once."""
    if not isinstance(lab.mind, Reviews):
        return found
    mind, request = lab.mind, ReviewRequest(number, case, found)
    opinion = lab.replies.recall(f"review-{number}", Opinion, lambda: mind.review(request))
    return found.model_copy(update={"opinion": opinion})


def record_answer(lab: Lab, number: int, advice: Sequence[Advice], anew: Collection[str]) -> None:
    """Which of the advice led to another text. anew: labels of what was rewritten."""
    if not advice:
        return
    places = dict.fromkeys(a.where for a in advice)
    rewritten = [place for place in places if place in anew]
    left = [place for place in places if place not in anew]
    said = [f"rewritten: {', '.join(rewritten)}"] if rewritten else []
    said += [f"left as it was: {', '.join(left)}"] if left else []
    lab.ledger.append(
        DecisionLine(
            id=short_id([WHAT, number]),
            what=f"{WHAT} {number}",
            chosen=tuple(a.id for a in advice if a.where in anew),
            why="; ".join(said),
        )
    )


def told_advice(lab: Lab, rounds: Sequence[Round]) -> list[str]:
    """For SUMMARY.md: every finding of a model's, and what became of it."""
    asked = [(n, r.opinion) for n, r in enumerate(rounds, 1) if r.opinion.author]
    if not asked:
        return []
    answered, titles = _answered(lab), {s.label: s.title for s in Press(lab).manuscript().sections}
    lines = [line for n, opinion in asked for line in _told(n, opinion, titles, answered.get(n))]
    if len(lines) > MOST_TOLD:
        rest = len(lines) - MOST_TOLD
        lines = [*lines[:MOST_TOLD], f"- and {rest} more, in the folder reviews"]
    author = "a language model" if asked[0][1].author == "language-model" else asked[0][1].author
    return ["## A model's findings", LEAD.format(author=author), *lines]


def _answered(lab: Lab) -> dict[int, frozenset[str]]:
    """Round -> ids of the advice that led to another text."""
    lines = [line for line in lab.ledger.lines(DecisionLine) if line.what.startswith(WHAT)]
    return {int(line.what.rpartition(" ")[2]): frozenset(line.chosen) for line in lines}


def _told(
    number: int, opinion: Opinion, titles: Mapping[str, str], answered: frozenset[str] | None
) -> list[str]:
    if opinion.missing:
        return [f"- round {number}: no model's findings, for {opinion.missing}"]
    if not opinion.findings:
        return [f"- round {number}: nothing was found"]
    return [
        f"- round {number}, {a.severity}, {titles.get(a.where, a.where)}: {a.what} "
        f"({_fate(a, answered)})"
        for a in opinion.findings
    ]


def _fate(advice: Advice, answered: frozenset[str] | None) -> str:
    if answered is None:
        return "no revision followed"
    return "rewritten since" if advice.id in answered else "the text was left as it was"
