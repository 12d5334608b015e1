"""Discussion and limitations, as the built-in mind writes them."""

from __future__ import annotations

from agent.ceiling import at_ceiling
from agent.minds.playbook.authors.author import Author
from agent.minds.playbook.story import Story, noun, sections
from papers.draft import Passage
from papers.manuscript import Paragraph


def discussion(author: Author, story: Story) -> Passage:
    """What follows from the verdicts together, and what readers would ask first."""
    return (*author.discussion(story), *_undecided(story))


def _undecided(story: Story) -> list[Paragraph]:
    undecided = [f for f in story.findings if f.ruling == "inconclusive"]
    if not undecided:
        return []
    return [
        Paragraph(
            heading="What remains open",
            text=f"The tests of {sections(undecided)} decide neither way. Their intervals in "
            "{{ref:tab:verdicts}} say which effects remain compatible with the data; more pairs "
            "would narrow them.",
        )
    ]


def limitations(author: Author, story: Story) -> Passage:
    """What a careful reader should distrust."""
    statistics = (
        "With few pairs an exact test can only detect consistent effects, and intervals over so "
        "few pairs are approximate {{citep:colas2018seeds}}. The correction covers the hypotheses "
        f"of this run and none of the choices made before it, such as {author.chosen_before}."
    )
    caveat = " {{fact:subject.caveat|text}}" if story.subject("caveat") else ""
    return (
        Paragraph(heading="Scale", text=f"{author.scale(story)}{caveat}"),
        Paragraph(heading="Statistics", text=statistics),
        *_ceiling(story),
        *author.further_limits(story),
        *_otherwise_than_planned(story),
    )


def _ceiling(story: Story) -> list[Paragraph]:
    """What was compared where there was no room to differ; the gate's parts are known anyway."""
    full = [
        f
        for f in story.findings
        if f.comparison and f not in story.gate and at_ceiling(f.comparison)
    ]
    if not full:
        return []
    return [
        Paragraph(
            heading="Ceiling",
            text=f"Both sides of {sections(full)} answer nearly everything that the task asks. "
            "That both solve it is measured; which of them is the better is not, and a harder "
            "setting may part them.",
        )
    ]


def _otherwise_than_planned(story: Story) -> list[Paragraph]:
    """Trials that failed and departures from the plans, where there are any."""
    paragraphs = []
    if story.failed:
        paragraphs.append(
            Paragraph(
                heading="Failed trials",
                text="Of {{count:trials|d}} trials, {{count:trials.failed|d}} failed or "
                f"{noun(len(story.failed), 'was', 'were')} stopped at a limit; "
                "{{ref:sec:deviations}} lists the failures, and the pairs that they belong to are "
                "missing from the tests.",
            )
        )
    if story.deviations:
        paragraphs.append(
            Paragraph(
                heading="Deviations",
                text="The run departed from its frozen plans in {{count:deviations|words}} "
                f"{noun(len(story.deviations), 'place', 'places')}, listed in "
                "{{ref:sec:deviations}}.",
            )
        )
    return paragraphs
