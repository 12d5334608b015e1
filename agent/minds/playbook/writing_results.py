"""Results, as the built-in mind writes them."""

from __future__ import annotations

from agent.minds.playbook.authors.author import Author
from agent.minds.playbook.family import all_families
from agent.minds.playbook.story import Finding, Story, noun
from papers.draft import Passage
from papers.effect import form_of, mean_form_of, unit_after
from papers.manuscript import Paragraph
from sandbox.records import ComparisonLine

RULING = {
    "supported": "The hypothesis is supported.",
    "refuted": "The hypothesis is refuted: the effect falls short of the prediction.",
    "inconclusive": "The test leaves the hypothesis undecided.",
    "untested": "The hypothesis could not be tested in this run.",
}


def overview(author: Author, story: Story) -> Passage:
    """What the main table and figures show, before the hypotheses one by one."""
    if not any(f.comparison for f in story.findings):
        return (
            Paragraph(
                text="No comparison could be made. What was attempted and how it ended is in the "
                f"appendix; this section states no result.{_measured(story)}"
            ),
        )
    return author.overview(story)


def _measured(story: Story) -> str:
    """Where values stand that no test compares."""
    shown = [f"{{{{ref:{label}}}}}" for label in ("tab:main", "fig:main") if label in story.shown]
    verb = noun(len(shown), "shows", "show")
    return f" {' and '.join(shown)} {verb} what was measured, which no test covers." * bool(shown)


def report(author: Author, story: Story, finding: Finding) -> Passage:
    """One subsection: the hypothesis, its frozen prediction, the outcome, and what it means."""
    stated, found = statement(author, finding), outcome(author, story, finding)
    if finding.comparison is None:
        # Not a paragraph of its own: the same one under several hypotheses would be a repetition.
        return (Paragraph(heading="Hypothesis", text=f"{stated} {found}"),)
    meaning = _reading(author, story, finding)
    paragraphs = [
        Paragraph(heading="Hypothesis", text=stated),
        Paragraph(heading="Outcome", text=found, claims=story.claims(finding)),
    ]
    if meaning:
        paragraphs.append(Paragraph(text=meaning))
    return tuple(paragraphs)


def outcome(author: Author, story: Story, finding: Finding) -> str:
    """What was measured and how it was ruled, or why nothing was."""
    if finding.comparison is None:
        return f"{RULING['untested']} {_why_untested(story, finding)}"
    return f"{result_sentence(author, finding)} {_ruling_sentence(finding)}{_missing(finding)}"


def statement(author: Author, finding: Finding) -> str:
    """The hypothesis with its reasons, and what its plan predicts."""
    line = finding.hypothesis
    text = f"{line.statement} {line.rationale}"
    if line.parent:
        text = f"This follows up {_place(finding)}. {text}"
    if finding.plan is None:
        return text
    id, test = finding.plan.id, finding.plan.test
    form, unit = form_of(test.metric), unit_after(test.metric)
    predicted = f"{{{{plan:{id}.test.predicted_effect|{form}}}}}{unit}"
    sides = author.versus(_treatment(id), _control(id))
    if test.null_effect < 0 and test.predicted_effect <= 0:
        margin = f"{{{{plan:{id}.test.null_effect|{form}}}}}{unit}"
        rule = f"The plan sets {sides} and predicts a difference above the margin of {margin}."
    else:
        rule = f"The plan sets {sides} and predicts a difference of {predicted} or more."
    return f"{text} {rule}"


def _treatment(plan: str) -> str:
    return f"{{{{plan:{plan}.test.treatment.label|inline}}}}"


def _control(plan: str) -> str:
    return f"{{{{plan:{plan}.test.control.label|inline}}}}"


def result_sentence(author: Author, finding: Finding) -> str:
    """The measured difference with its interval and test, in one sentence."""
    line = _compared(finding)
    pairs = f"{{{{cmp:{line.id}.pairs|words}}}} {noun(line.pairs, 'pair', 'pairs')}"
    return f"Over {pairs}, {_difference(author, finding)}"


def headline(author: Author, finding: Finding) -> str:
    """The same for the abstract, which gives the number of pairs once."""
    text = _difference(author, finding)
    return text[0].upper() + text[1:]


def _compared(finding: Finding) -> ComparisonLine:
    assert finding.comparison is not None
    return finding.comparison


def _difference(author: Author, finding: Finding) -> str:
    comparison, plan = finding.comparison, finding.plan
    assert comparison is not None
    assert plan is not None
    ref, verdict = comparison.id, f"verdict:{finding.hypothesis.id}"
    form, mean = form_of(comparison.metric), mean_form_of(comparison.metric)
    reached = author.reached(
        comparison.metric,
        _treatment(plan.id),
        _control(plan.id),
        f"{{{{cmp:{ref}.treatment_mean|{mean}}}}}",
        f"{{{{cmp:{ref}.control_mean|{mean}}}}}",
    )
    after = "uncorrected" if plan.test.gate else "after Holm"
    if finding.ruling == "refuted":
        test = f"{{{{{verdict}.p_refute_holm|p=}}}} for an effect below the prediction, {after}"
    else:
        test = f"{{{{{verdict}.p_support_holm|p=}}}}{',' * plan.test.gate} {after}"
    unit = unit_after(comparison.metric)
    return (
        f"{reached}, a difference of {{{{cmp:{ref}.effect|{form}}}}}{unit} "
        f"(interval {{{{cmp:{ref}.low|{form}}}}} to {{{{cmp:{ref}.high|{form}}}}}; {test})."
    )


def _ruling_sentence(finding: Finding) -> str:
    if _falls_short(finding):
        return (
            "The hypothesis is refuted: the difference is in the predicted direction but smaller "
            "than predicted."
        )
    if _insensitive(finding):
        assert finding.plan is not None
        least = f"{{{{plan:{finding.plan.id}.test.least_control|.3f}}}}"
        return (
            "The hypothesis is left undecided: the mean of the control is below the "
            f"{least} from which on a loss could be seen, and where both sides fail neither loses "
            "anything."
        )
    if _between(finding):
        return (
            "The test leaves the hypothesis undecided: the difference is established, but not "
            "whether it reaches the prediction."
        )
    return RULING[finding.ruling]


def _falls_short(finding: Finding) -> bool:
    """Refuted although the effect is above zero: it is smaller than predicted."""
    comparison = finding.comparison
    return finding.ruling == "refuted" and comparison is not None and comparison.low > 0


def _insensitive(finding: Finding) -> bool:
    """Undecided because the control learned too little for a loss to be seen."""
    comparison, plan = finding.comparison, finding.plan
    return (
        finding.ruling == "inconclusive"
        and comparison is not None
        and plan is not None
        and comparison.control_mean < plan.test.least_control
    )


def _between(finding: Finding) -> bool:
    """Undecided although the effect exceeds its null value: it is near the prediction."""
    verdict = finding.verdict
    undecided = verdict is not None and finding.ruling == "inconclusive"
    undecided = undecided and not _insensitive(finding)
    return undecided and verdict is not None and verdict.p_support_holm <= verdict.alpha


def _missing(finding: Finding) -> str:
    comparison = finding.comparison
    if comparison is None or not comparison.missing_seeds:
        return ""
    return (
        " Some planned pairs are missing, because a trial of theirs did not end well; the appendix "
        "names them."
    )


def _reading(author: Author, story: Story, finding: Finding) -> str:
    """What the outcome means, told once: a later one of the same meaning refers to the first."""
    meaning = _said(story, finding)
    told = (f for f in story.findings if f.comparison and _said(story, f) == meaning)
    first = next(told, finding)
    if not meaning or first is finding or finding.plan is None:
        return meaning
    sides = author.versus(_treatment(finding.plan.id), _control(finding.plan.id))
    place = f"{{{{ref:sec:{first.hypothesis.id}}}}}"
    return f"What {place} says of its outcome is to be said of {sides} too."


def _said(story: Story, finding: Finding) -> str:
    return _agreement(story, finding) or _meaning(finding)


DECIDED = ("supported", "refuted")
ABLATED = {
    "supported": "What was taken out contributes to the outcome of {place}.",
    "refuted": "What was taken out contributes less than predicted to the outcome of {place}.",
    "inconclusive": "Whether what was taken out contributes to the outcome of {place} is left "
    "open.",
}
VARIED = {
    "supported": "Within the margin, the treatment of {place} does not depend on this detail.",
    "refuted": "The treatment of {place} depends on this detail.",
    "inconclusive": "Whether the treatment of {place} depends on this detail is left open.",
}
CROSSED = {
    "supported": "Within the margin, parts of the treatment of {place} and of the other parent can "
    "be put together in this way.",
    "refuted": "Parts of the treatment of {place} and of the other parent do not go together in "
    "this way.",
    "inconclusive": "Whether parts of the treatment of {place} and of the other parent go together "
    "is left open.",
}
CHANGED = {"ablate": ABLATED, "mutate": VARIED, "cross": CROSSED}
"""Relations that ask about another treatment than that of the first question."""
WHERE = {
    "replicate": "on fresh seeds",
    "generalise": "in this setting",
    "promote": "on the task that was held back",
    "debug": "with its arms changed",
    "improve": "with more effort",
}
THEREFORE = {
    "replicate": " and should not be relied on",
    "promote": ", so it may have been chosen for the tasks that suit it",
}
"""What follows when an outcome is not repeated."""


def _agreement(story: Story, finding: Finding) -> str:
    """What a follow-up says of the hypothesis that it follows up, empty for other hypotheses."""
    line = finding.hypothesis
    first = next((f for f in story.findings if f.hypothesis.id == line.parent), None)
    earlier = finding.before.ruling if finding.before is not None else ""
    before = first.ruling if first is not None else earlier
    if not before or line.relation not in (*CHANGED, *WHERE):
        return ""
    place = _place(finding)
    if line.relation in CHANGED:
        told = CHANGED[line.relation]
        return told.get(finding.ruling, told["inconclusive"]).format(place=place)
    where = WHERE[line.relation]
    if finding.ruling not in DECIDED:
        return f"Whether the outcome of {place} holds {where} is left open."
    if before not in DECIDED:
        return f"What {place} leaves open is decided {where}."
    if before == finding.ruling:
        return f"The outcome of {place} is repeated {where}."
    return f"The outcome of {place} is not repeated {where}{THEREFORE.get(line.relation, '')}."


def _place(finding: Finding) -> str:
    """Where the paper tells what a finding follows up."""
    parent = finding.hypothesis.parent
    if finding.before is None:
        return f"{{{{ref:sec:{parent}}}}}"
    title, run = f"{{{{memory:{parent}.title|inline}}}}", f"{{{{memory:{parent}.run|text}}}}"
    return f"what run {run} answered ({title}, {{{{ref:sec:answered}}}})"


def _meaning(finding: Finding) -> str:
    """What the family says of such a ruling: nothing about an effect that is there but small."""
    small = _between(finding) or _falls_short(finding)
    known = None if small else all_families().get(finding.hypothesis.family)
    return known.meaning.get(finding.ruling, "") if known else ""


def _why_untested(story: Story, finding: Finding) -> str:
    if finding.plan is None:
        return "Its plan was refused or never frozen; {{ref:sec:deviations}} gives the reason."
    departures = [line for line in story.deviations if line.experiment == finding.plan.id]
    if departures:
        reason = f"{{{{deviation:{departures[0].id}|text}}}}"
        return f"{{{{ref:sec:deviations}}}} gives the reason: {reason}."
    return "Too few of its trials ended with a value; {{ref:sec:deviations}} lists them."
