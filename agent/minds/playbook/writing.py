"""The built-in mind as an author: every number a reference, every verdict the test's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from agent.minds.playbook.authors.author import Author, author_of
from agent.minds.playbook.story import Finding, Story, noun
from agent.minds.playbook.writing_discussion import discussion, limitations
from agent.minds.playbook.writing_results import headline, overview, report
from agent.minds.playbook.writing_setup import method, related_work, setup
from papers.draft import Passage, Prose
from papers.manuscript import Paragraph
from sandbox.ledger import Ledger

AUTHOR = "playbook"
HEADLINES = 3
"""Findings that an abstract reports at most."""


def write_prose(
    ledger: Ledger, facts: Mapping[str, JsonValue], plans: Mapping[str, JsonValue]
) -> Prose:
    """Write up a run. plans: experiment id -> frozen plan, as in plans/*.json."""
    story = Story(ledger, facts, plans)
    author = author_of(story)
    return Prose(
        author=AUTHOR,
        title=author.title(story),
        abstract=_abstract(author, story),
        introduction=author.introduction(story),
        related_work=related_work(author),
        method=method(author, story),
        setup=setup(author, story),
        overview=overview(author, story),
        findings={f.hypothesis.id: report(author, story, f) for f in story.findings},
        discussion=discussion(author, story),
        limitations=limitations(author, story),
        conclusion=_conclusion(story),
    )


def _abstract(author: Author, story: Story) -> tuple[Paragraph, ...]:
    if not any(f.comparison for f in story.findings):
        return (Paragraph(text=_empty_abstract()),)
    plans, headliners = len(story.experiments), author.headliners(story)[:HEADLINES]
    sentences = [
        author.opening(story),
        "We study {{fact:subject.description|text}}.",
        "We froze {{count:plans|words}} "
        f"{noun(plans, 'hypothesis, with', 'hypotheses, each with')} a numeric prediction and "
        f"{'an exact' if story.exact else 'a'} paired test, before the trials that decide "
        f"{noun(plans, 'it', 'them')}, and ran {{{{count:trials|d}}}} "
        f"{'sandboxed ' * story.confined}trials over {{{{count:seeds|words}}}} paired seeds.",
        author.before(story),
        *(headline(author, f) for f in headliners),
        author.aside(story),
        tally(story),
        "Every value in this paper is a reference to sealed evidence of the run that made it.",
    ]
    return (
        Paragraph(
            text=" ".join(s for s in sentences if s),
            claims=story.claims(*headliners),
        ),
    )


def _empty_abstract() -> str:
    return (
        "This report describes a run that could not test any of its hypotheses. It asked: "
        "{{fact:question|text}} The sections below say what was planned, what was attempted, what "
        "failed and what to change; they report no finding, because nothing was measured that "
        "would carry one."
    )


def tally(story: Story) -> str:
    """How many hypotheses were ruled how, in one sentence."""
    rulings = [f.verdict.ruling for f in story.findings if f.verdict]
    supported, refuted, undecided = (
        f"{{{{count:{name}|words}}}}" if name in rulings else "none"
        for name in ("supported", "refuted", "inconclusive")
    )
    corrected = "After Holm's correction over all hypotheses"
    corrected += " but those of the gate" * story.gated
    if len(rulings) == 1:
        return f"{corrected}, the hypothesis that was tested is {_IN_WORDS[rulings[0]]}."
    are = "are" if rulings.count("supported") > 1 else "is"
    rest = f"{refuted} refuted and {undecided} left undecided"
    if story.gated:
        return (
            f"Of all hypotheses, the gate's included, {supported} {are} supported, {rest}; Holm's "
            "correction is over all but the gate's."
        )
    return f"{corrected}, {supported} of them {are} supported, {rest}."


_IN_WORDS = {"supported": "supported", "refuted": "refuted", "inconclusive": "left undecided"}


def _conclusion(story: Story) -> Passage:
    decided = [f for f in story.findings if f.ruling in ("supported", "refuted")]
    if not decided:
        return (
            Paragraph(
                text="No hypothesis of this study was decided by its test. The frozen plans and "
                "the trials that were completed are kept with the run, so that it can be "
                "continued with a larger budget."
            ),
        )
    held = story.gate_state == "held"
    asked = [f for f in story.findings if not held or f not in story.gate]
    outcomes = [
        f"{opening} {_named(asked, ruling)}."
        for ruling, opening in _OUTCOMES.items()
        if any(f.ruling == ruling for f in asked)
    ]
    text = (
        "We studied {{fact:subject.description|text}}. "
        + ("The known order was reproduced first. " if held else "")
        + " ".join(outcomes)
        + " What this says about larger models is a question for experiments on larger models."
    )
    return (Paragraph(text=text, claims=story.claims(*decided)),)


_OUTCOMES = {
    "supported": "The tests support:",
    "refuted": "The tests refute:",
    "inconclusive": "The tests leave undecided:",
}


def _named(findings: Sequence[Finding], ruling: str) -> str:
    """The hypotheses of a ruling, by title and section."""
    named = [
        f"{{{{hypothesis:{f.hypothesis.id}.title|inline}}}} ({{{{ref:sec:{f.hypothesis.id}}}}})"
        for f in findings
        if f.ruling == ruling
    ]
    return "; ".join(named)
