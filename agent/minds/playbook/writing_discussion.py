"""Discussion and limitations, as the built-in mind writes them."""

from __future__ import annotations

from agent.minds.playbook.story import Story, noun
from papers.draft import Passage
from papers.manuscript import Paragraph


def discussion(story: Story) -> Passage:
    """What follows from the verdicts together, and what readers would ask first."""
    paragraphs = [*_fine_tuning(story), *_retention(story), *_undecided(story)]
    if not paragraphs:
        return ()
    return tuple(paragraphs)


def _fine_tuning(story: Story) -> list[Paragraph]:
    tuned, evolved = story.arm("finetune"), story.arm("search", strategy="evolve")
    if tuned is None or evolved is None:
        return []
    task = story.primary
    values = (
        f"{{{{mean:{tuned[1].name}/{task}/test|.3f}}}} and the evolved merge "
        f"{{{{mean:{evolved[1].name}/{task}/test|.3f}}}}"
    )
    if round(story.mean(tuned[1].name), 3) > round(story.mean(evolved[1].name), 3):
        reading = (
            "At this scale the labelled development items are worth more as training data than "
            "as a "
            "fitness function. Merging remains of interest where gradients are not to be had, "
            "where "
            "labels are too few to train on, or where nothing may be trained."
        )
    else:
        reading = (
            "On this subject the labelled items were worth no less as a fitness function than as "
            "training data."
        )
    return [
        Paragraph(
            heading="The baseline that is easily forgotten",
            text="A search needs labelled items, and the same items could be trained on. "
            "Fine-tuned on "
            f"them, a parent reaches {values} on average. {reading}",
        )
    ]


def _retention(story: Story) -> list[Paragraph]:
    evolved = story.arm("search", strategy="evolve")
    kept = story.subject("kept")
    if evolved is None or not isinstance(kept, list) or not kept:
        return []
    return [
        Paragraph(
            heading="What a merge forgets",
            text="The fitness of the search asks for the primary task alone. The further "
            "columns of "
            "{{ref:tab:main}} show what the arms kept of the abilities of their parents; a user "
            "who "
            "needs those abilities should put them into the fitness.",
        )
    ]


def _undecided(story: Story) -> list[Paragraph]:
    undecided = [f for f in story.findings if f.ruling == "inconclusive"]
    if not undecided:
        return []
    places = ", ".join(f"{{{{ref:sec:{f.hypothesis.id}}}}}" for f in undecided)
    return [
        Paragraph(
            heading="What remains open",
            text=f"The tests of {places} decide neither way. Their intervals in "
            "{{ref:tab:verdicts}} say which effects remain compatible with the data; more pairs "
            "would narrow them.",
        )
    ]


def limitations(story: Story) -> Passage:
    """What a careful reader should distrust."""
    scale = (
        "The models are miniatures and the tasks synthetic. Nothing here shows that the same "
        "effects appear in models of practical size; the value of a miniature is that every factor "
        "is known and every comparison can be repeated."
        if story.subject("name") == "miniature"
        else "The conclusions hold for the checkpoints and the task items of this run. Pairs "
        "differ "
        "in their items and in the seeds of the searches, not in the training of the models."
    )
    statistics = (
        "With few pairs an exact test can only detect consistent effects, and intervals over so "
        "few "
        "pairs are approximate {{citep:colas2018seeds}}. The correction covers the hypotheses of "
        "this run and none of the choices made before it, such as the subject and the space of "
        "recipes."
    )
    tuning = (
        "Searches were given equal evaluations and their settings were not tuned further; other "
        "settings of the evolution, of fine-tuning or of the merging methods could change their "
        "order."
    )
    caveat = " {{fact:subject.caveat|text}}" if story.subject("caveat") else ""
    paragraphs = [
        Paragraph(heading="Scale", text=f"{scale}{caveat}"),
        Paragraph(heading="Statistics", text=statistics),
        Paragraph(heading="Tuning", text=tuning),
    ]
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
    return tuple(paragraphs)
