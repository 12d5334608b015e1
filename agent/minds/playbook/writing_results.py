"""Results, as the built-in mind writes them."""

from __future__ import annotations

from agent.minds.playbook.authors.author import Author
from agent.minds.playbook.family import all_families
from agent.minds.playbook.story import Finding, Story, noun
from papers.draft import Passage
from papers.manuscript import Paragraph
from papers.record_view import form_of
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
                "appendix; this section states no result."
            ),
        )
    return author.overview(story)


def report(author: Author, story: Story, finding: Finding) -> Passage:
    """One subsection: the hypothesis, its frozen prediction, the outcome, and what it means."""
    head = Paragraph(heading="Hypothesis", text=_statement(author, finding))
    if finding.comparison is None:
        return (head, Paragraph(text=f"{RULING['untested']} {_why_untested(story, finding)}"))
    outcome = f"{result_sentence(author, finding)} {_ruling_sentence(finding)}{_missing(finding)}"
    meaning = _agreement(story, finding) or _meaning(finding)
    paragraphs = [
        head,
        Paragraph(heading="Outcome", text=outcome, claims=story.claims(finding)),
    ]
    if meaning:
        paragraphs.append(Paragraph(text=meaning))
    return tuple(paragraphs)


def _statement(author: Author, finding: Finding) -> str:
    line = finding.hypothesis
    text = f"{line.statement} {line.rationale}"
    if line.parent:
        text = f"This follows up {{{{ref:sec:{line.parent}}}}}. {text}"
    if finding.plan is None:
        return text
    id, test = finding.plan.id, finding.plan.test
    form = form_of(test.metric)
    predicted = f"{{{{plan:{id}.test.predicted_effect|{form}}}}}"
    sides = author.versus(_treatment(id), _control(id))
    if test.null_effect < 0 and test.predicted_effect <= 0:
        bound = f"that it loses less than the margin of {{{{plan:{id}.test.null_effect|{form}}}}}"
        rule = f"The plan sets {sides} and predicts {bound}."
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
    form = form_of(comparison.metric)
    reached = author.reached(
        comparison.metric,
        _treatment(plan.id),
        _control(plan.id),
        f"{{{{cmp:{ref}.treatment_mean|.3f}}}}",
        f"{{{{cmp:{ref}.control_mean|.3f}}}}",
    )
    if finding.ruling == "refuted":
        test = f"{{{{{verdict}.p_refute_holm|p=}}}} that it reaches the prediction, after Holm"
    else:
        test = f"{{{{{verdict}.p_support_holm|p=}}}} after Holm"
    return (
        f"{reached}, a difference of {{{{cmp:{ref}.effect|{form}}}}} "
        f"(interval {{{{cmp:{ref}.low|{form}}}}} to {{{{cmp:{ref}.high|{form}}}}}; {test})."
    )


def _ruling_sentence(finding: Finding) -> str:
    comparison = finding.comparison
    if finding.ruling == "refuted" and comparison is not None and comparison.low > 0:
        return (
            "The hypothesis is refuted: the difference is in the predicted direction but smaller "
            "than predicted."
        )
    if _between(finding):
        return (
            "The test leaves the hypothesis undecided: the difference is established, but not "
            "whether it reaches the prediction."
        )
    return RULING[finding.ruling]


def _between(finding: Finding) -> bool:
    """Undecided although the effect exceeds its null value: it is near the prediction."""
    verdict = finding.verdict
    undecided = verdict is not None and finding.ruling == "inconclusive"
    return undecided and verdict is not None and verdict.p_support_holm <= verdict.alpha


def _missing(finding: Finding) -> str:
    comparison = finding.comparison
    if comparison is None or not comparison.missing_seeds:
        return ""
    return (
        " Some planned pairs are missing, because a trial of theirs did not end well; the appendix "
        "names them."
    )


FOLLOWED = {
    ("ablate", "supported"): "What was taken out contributes to the outcome of {place}.",
    ("ablate", "refuted"): "What was taken out contributes less than predicted to the outcome of "
    "{place}.",
    ("ablate", "inconclusive"): "Whether what was taken out contributes to the outcome of {place} "
    "is left open.",
    ("promote", "supported"): "The finding of {place} holds on the task that was held back.",
    ("promote", "refuted"): "The finding of {place} does not hold at the predicted size on the "
    "task that was held back, so it may have been chosen for the tasks that suit it.",
    ("promote", "inconclusive"): "Whether the finding of {place} holds on the task that was held "
    "back is left open.",
    ("generalise", "supported"): "The finding of {place} extends to this setting.",
    ("generalise", "refuted"): "The finding of {place} does not extend to this setting at the "
    "predicted size.",
    (
        "generalise",
        "inconclusive",
    ): "Whether the finding of {place} extends to this setting is left open.",
}


def _agreement(story: Story, finding: Finding) -> str:
    """What a follow-up says of the hypothesis that it follows up, empty for other hypotheses."""
    line = finding.hypothesis
    first = next((f for f in story.findings if f.hypothesis.id == line.parent), None)
    if first is None:
        return ""
    place = f"{{{{ref:sec:{line.parent}}}}}"
    if line.relation != "replicate":
        return FOLLOWED.get((line.relation, finding.ruling), "").format(place=place)
    if first.ruling == finding.ruling:
        return f"On fresh seeds the outcome of {place} is repeated."
    return (
        f"On fresh seeds the outcome differs from that of {place}, which should therefore not be "
        "relied on."
    )


def _meaning(finding: Finding) -> str:
    known = None if _between(finding) else all_families().get(finding.hypothesis.family)
    return known.meaning.get(finding.ruling, "") if known else ""


def _why_untested(story: Story, finding: Finding) -> str:
    if finding.plan is None:
        return "Its plan was refused or never frozen; {{ref:sec:deviations}} gives the reason."
    return "Too few of its trials ended with a value; {{ref:sec:deviations}} lists them."
