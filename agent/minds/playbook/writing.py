"""The built-in mind as an author: every number a reference, every verdict the test's own."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from agent.minds.playbook.story import Finding, Story, noun
from agent.minds.playbook.writing_discussion import discussion, limitations
from agent.minds.playbook.writing_results import headline, overview, report
from agent.minds.playbook.writing_setup import method, related_work, setup
from papers.draft import Passage, Prose
from papers.manuscript import Items, Paragraph
from sandbox.ledger import Ledger

AUTHOR = "playbook"


def write_prose(
    ledger: Ledger, facts: Mapping[str, JsonValue], plans: Mapping[str, JsonValue]
) -> Prose:
    """Write up a run. plans: experiment id -> frozen plan, as in plans/*.json."""
    story = Story(ledger, facts, plans)
    return Prose(
        author=AUTHOR,
        title=_title(story),
        abstract=_abstract(story),
        introduction=_introduction(story),
        related_work=related_work(),
        method=method(story),
        setup=setup(story),
        overview=overview(story),
        findings={f.hypothesis.id: report(story, f) for f in story.findings},
        discussion=discussion(story),
        limitations=limitations(story),
        conclusion=_conclusion(story),
    )


def _title(story: Story) -> str:
    """State a result in the title only when its test supports it."""
    composed = story.of_family("composition")
    if story.subject("name") != "miniature":
        return "What Merging Adds: Pre-Registered Tests on a Laboratory's Own Models"
    if composed is not None and composed.ruling == "supported":
        return (
            "Merging Composes a Skill and a Language That Neither Parent Combines: "
            "Pre-Registered Tests in a Controlled Miniature"
        )
    return "Does Merging Compose Skills? Pre-Registered Tests in a Controlled Miniature"


def _abstract(story: Story) -> tuple[Paragraph, ...]:
    if not any(f.comparison for f in story.findings):
        return (Paragraph(text=_empty_abstract()),)
    plans = len(story.experiments)
    sentences = [
        "Merging adds the abilities of fine-tuned models without further training, but reports of "
        "what it composes seldom rest on repeated runs, on baselines of equal cost, or on tests "
        "fixed in advance.",
        "We study {{fact:subject.description|text}}.",
        "We froze {{count:plans|words}} "
        f"{noun(plans, 'hypothesis, with', 'hypotheses, each with')} a numeric prediction and "
        f"{'an exact' if story.exact else 'a'} paired test, before the trials that decide "
        f"{noun(plans, 'it', 'them')}, and ran {{{{count:trials|d}}}} sandboxed trials over "
        "{{count:seeds|words}} paired seeds.",
        *(headline(f) for f in _headliners(story)),
        _baseline_sentence(story),
        _tally(story),
        "Every value in this paper is a reference to sealed evidence of the run that made it.",
    ]
    return (
        Paragraph(
            text=" ".join(s for s in sentences if s),
            claims=story.claims(*_headliners(story)),
        ),
    )


def _empty_abstract() -> str:
    return (
        "This report describes a run that could not test any of its hypotheses. It asked: "
        "{{fact:question|text}} The sections below say what was planned, what was attempted, what "
        "failed and what to change; they report no finding, because nothing was measured that "
        "would carry one."
    )


def _headliners(story: Story) -> list[Finding]:
    """The findings that the abstract reports: the topic's main question first, three at most."""
    wanted = ("composition", "layerwise_search", "tuned_arithmetic", "guided_search")
    main = [f for name in wanted if (f := story.of_family(name)) and f.comparison]
    rest = [f for f in story.findings if f.comparison and f not in main]
    return (main + rest)[:3]


def _tally(story: Story) -> str:
    rulings = [f.verdict.ruling for f in story.findings if f.verdict]
    supported, refuted, undecided = (
        f"{{{{count:{name}|words}}}}" if name in rulings else "none"
        for name in ("supported", "refuted", "inconclusive")
    )
    return (
        f"After Holm's correction over all hypotheses, {supported} of them "
        f"{'is' if rulings.count('supported') == 1 else 'are'} supported, {refuted} refuted and "
        f"{undecided} left undecided."
    )


def _baseline_sentence(story: Story) -> str:
    """Say where gradient fine-tuning on the same labelled items stands: users would ask first."""
    tuned, evolved = story.arm("finetune"), story.arm("search", strategy="evolve")
    if tuned is None or evolved is None:
        return ""
    task = story.primary
    values = (
        f"({{{{mean:{tuned[1].name}/{task}/test|.3f}}}} against "
        f"{{{{mean:{evolved[1].name}/{task}/test|.3f}}}} on average)"
    )
    difference = round(story.mean(tuned[1].name), 3) - round(story.mean(evolved[1].name), 3)
    if difference == 0:
        return (
            "Gradient fine-tuning on the same labelled items has the same mean accuracy here "
            f"{values}."
        )
    if difference > 0:
        return (
            "Gradient fine-tuning on the same labelled items has the higher mean accuracy at this "
            f"scale {values}: where such labels exist, it is the baseline to reach."
        )
    return (
        "Gradient fine-tuning on the same labelled items has the lower mean accuracy here "
        f"{values}."
    )


def _introduction(story: Story) -> Passage:
    return (
        Paragraph(
            text="Descendants of a common base model can be merged by arithmetic on their weights, "
            "without gradient steps and at no extra cost at inference "
            "{{citep:wortsman2022soups,ilharco2023task}}. A merge usually trades the abilities of "
            "its parents against each other. The more interesting claim is that a merge can do "
            "something that none of its parents can, such as solving problems in a language in "
            "which no parent has learned to solve them {{citep:akiba2025evolutionary}}. If it "
            "holds, a small laboratory can compose abilities that it could not afford to train."
        ),
        Paragraph(
            text="The claim is easy to state and hard to establish. Searches over merging recipes "
            "select the best of many candidates, which inflates reported values "
            "{{citep:xu2026winners}}; single runs hide the variance between seeds "
            "{{citep:bouthillier2021variance}}; and a search is often compared with merges that "
            "were not tuned at all, rather than with random search or fine-tuning on the same "
            "labelled items. The question of this study is: {{fact:question|text}}"
        ),
        Paragraph(text="We address it as follows."),
        Items(
            items=(
                "Each hypothesis states a numeric prediction and what would refute it, and its "
                "plan (arms, tasks, seeds, metric and decision rule) is frozen before the trials "
                "that decide it {{citep:nosek2018preregistration}}.",
                "Searches are compared at equal numbers of evaluations and beside permanent "
                "baselines: each parent, the uniform average, a tuned grid of task arithmetic, "
                "random search, and gradient fine-tuning on the same labelled items.",
                "All outcomes are reported in the same place, the refuted and the undecided "
                "beside the supported ({{ref:tab:verdicts}}), and every value is traceable to the "
                "trial that produced it.",
            )
        ),
    )


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
    outcomes = [
        f"{opening} {_named(story, ruling)}."
        for ruling, opening in _OUTCOMES.items()
        if any(f.ruling == ruling for f in story.findings)
    ]
    text = (
        "We studied {{fact:subject.description|text}}. "
        + " ".join(outcomes)
        + " What this says about larger models is a question for experiments on larger models; "
        "the frozen plans can be repeated on them without change."
    )
    return (Paragraph(text=text, claims=story.claims(*decided)),)


_OUTCOMES = {
    "supported": "The tests support:",
    "refuted": "The tests refute:",
    "inconclusive": "The tests leave undecided:",
}


def _named(story: Story, ruling: str) -> str:
    """The hypotheses of a ruling, by title and section."""
    named = [
        f"{{{{hypothesis:{f.hypothesis.id}.title|inline}}}} ({{{{ref:sec:{f.hypothesis.id}}}}})"
        for f in story.findings
        if f.ruling == ruling
    ]
    return "; ".join(named)
