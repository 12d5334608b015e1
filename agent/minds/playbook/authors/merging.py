"""The built-in mind on merging: what is said of merges and of nothing else."""

from __future__ import annotations

from agent.minds.playbook.authors import own_code
from agent.minds.playbook.authors.author import author
from agent.minds.playbook.authors.merging_method import methods, search
from agent.minds.playbook.story import Finding, Story
from papers.draft import Passage
from papers.manuscript import Formula, Items, Paragraph
from tools.experiment import Arm


@author("merging")
class MergingAuthor:
    """See `Author`."""

    related_work = "related_work.md"
    chosen_before = "the subject and the space of recipes"

    def title(self, story: Story) -> str:
        """State a result in the title only when its test supports it."""
        composed = story.of_family("composition")
        if story.quotable_question and composed is None:
            return f"{story.quotable_question} Pre-Registered Tests of Merges"
        if story.subject("name") != "miniature":
            return "What Merging Adds: Pre-Registered Tests on a Laboratory's Own Models"
        if composed is not None and composed.ruling == "supported":
            return (
                "Merging Composes a Skill and a Language That Neither Parent Combines: "
                "Pre-Registered Tests in a Controlled Miniature"
            )
        if composed is None:
            return "What Merging Adds: Pre-Registered Tests in a Controlled Miniature"
        return "Does Merging Compose Skills? Pre-Registered Tests in a Controlled Miniature"

    def opening(self, story: Story) -> str:
        """What merging promises and what reports of it lack."""
        return (
            "Merging promises the abilities of several fine-tuned models in one, without further "
            "training, but reports of what it composes seldom rest on repeated runs, on baselines "
            "of equal cost, or on tests fixed in advance."
        )

    def headliners(self, story: Story) -> list[Finding]:
        """The topic's main question first."""
        wanted = ("composition", "layerwise_search", "tuned_arithmetic", "guided_search")
        main = [f for name in wanted if (f := story.of_family(name)) and f.comparison]
        rest = [f for f in story.findings if f.comparison and f not in main]
        return main + rest

    def before(self, story: Story) -> str:
        """Nothing: findings come first."""
        return ""

    def versus(self, treatment: str, control: str) -> str:
        """Merges are things, with an article."""
        return f"the {treatment} against the {control}"

    def reached(self, metric: str, treatment: str, control: str, first: str, second: str) -> str:
        """What both merges reach."""
        return f"the {treatment} reaches {first} and the {control} {second}"

    def aside(self, story: Story) -> str:
        """Where gradient fine-tuning on the same labelled items stands: users would ask first."""
        tuned, evolved = _tuned(story), _evolved(story)
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
                "Gradient fine-tuning on the same labelled items has the higher mean accuracy at "
                f"this scale {values}: where such labels exist, it is the baseline to reach."
            )
        return (
            "Gradient fine-tuning on the same labelled items has the lower mean accuracy here "
            f"{values}."
        )

    def introduction(self, story: Story) -> Passage:
        """The claim that merges compose, and how it is tested here."""
        return _introduction(story)

    def method(self, story: Story) -> Passage:
        """What a merge is and how its coefficients are found."""
        return (
            Paragraph(
                heading="Merging",
                text=r"Let $\theta_b$ be the weights of the base and $\theta_i$ those of parent "
                r"$i$. The task vector of parent $i$ is $\tau_i = \theta_i - \theta_b$. Parameters "
                r"are divided into groups $g$: the attention and the feed-forward part of every "
                r"layer, and all the rest. A layer-wise merge has one coefficient for every parent "
                r"and group,",
            ),
            Formula(
                label="eq:merge",
                latex=r"\theta^{(g)} = \theta_b^{(g)} + \sum_i \lambda_{i,g}\, \tau_i^{(g)} ,",
            ),
            Paragraph(text=methods(story)),
            *search(story),
            *own_code.told(story),
        )

    def subject(self, story: Story) -> Paragraph:
        """Models in roles, and which items are for what."""
        return Paragraph(
            heading="Models and tasks",
            text="The subject is {{fact:subject.description|text}}. {{ref:tab:models}} lists the "
            "models and {{ref:tab:tasks}} the tasks. {{fact:subject.pairing|text}} The primary "
            f"task is {{{{{story.primary_label}|text}}}}; development items are used by searches "
            "and by fine-tuning, test items by nothing but the final measurement.",
        )

    def overview(self, story: Story) -> Passage:
        """Where results stand."""
        drawn = " and {{ref:fig:main}} give" if "fig:main" in story.shown else " gives"
        tree = "{{ref:fig:tree}} shows which of them followed from which. "
        tree *= "fig:tree" in story.shown
        return (
            Paragraph(
                text=f"{{{{ref:tab:main}}}}{drawn} the accuracy of every arm; "
                "{{ref:tab:verdicts}} and {{ref:fig:forest}} the test of every hypothesis. "
                f"{tree}Differences that no test covers are described and not interpreted."
            ),
            *_search_overview(story),
        )

    def discussion(self, story: Story) -> tuple[Paragraph, ...]:
        """Fine-tuning as the baseline, and what a merge forgets."""
        return (*_fine_tuning(story), *_retention(story))

    def scale(self, story: Story) -> str:
        """A miniature, or one laboratory's checkpoints."""
        return (
            "The models are miniatures and the tasks synthetic. Nothing here shows that the same "
            "effects appear in models of practical size; the value of a miniature is that every "
            "factor is known and every comparison can be repeated."
            if story.subject("name") == "miniature"
            else "The conclusions hold for the checkpoints and the task items of this run. Pairs "
            "differ in their items and in the seeds of the searches, not in the training of the "
            "models."
        )

    def further_limits(self, story: Story) -> tuple[Paragraph, ...]:
        """What was not tuned."""
        text = (
            "Searches were given equal evaluations and their settings were not tuned further; "
            "other settings of the evolution, of fine-tuning or of the merging methods could "
            "change their order."
        )
        return (Paragraph(heading="Tuning", text=text),)


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
                f"beside the supported{story.see('tab:verdicts')}, and every value is traceable "
                "to the trial that produced it.",
            )
        ),
    )


def _evolved(story: Story) -> tuple[str, Arm] | None:
    """The evolved merge that is asked for the primary task alone, on all labelled items."""
    return story.arm("search", strategy="evolve", keep=None, dev_items=None)


def _tuned(story: Story) -> tuple[str, Arm] | None:
    """Fine-tuning on all labelled items."""
    return story.arm("finetune", dev_items=None)


_SEARCHED = {
    "fig:search": "{{ref:fig:search}} follows the searches on the development items",
    "fig:map": "{{ref:fig:map}} shows which parent the evolved merge takes which parameters from",
}


def _search_overview(story: Story) -> Passage:
    told = [text for label, text in _SEARCHED.items() if label in story.shown]
    return (Paragraph(text=f"{' and '.join(told)}."),) if told else ()


def _fine_tuning(story: Story) -> list[Paragraph]:
    tuned, evolved = _tuned(story), _evolved(story)
    if tuned is None or evolved is None:
        return []
    task, tested = story.primary, story.of_family("against_finetuning")
    values = (
        f"{{{{mean:{tuned[1].name}/{task}/test|.3f}}}} and the evolved merge "
        f"{{{{mean:{evolved[1].name}/{task}/test|.3f}}}}"
    )
    reading = "No test of this run covers that difference."
    if tested is not None and tested.comparison:
        reading = f"{{{{ref:sec:{tested.hypothesis.id}}}}} tests that difference."
    return [
        Paragraph(
            heading="The baseline that is easily forgotten",
            text="A search needs labelled items, and the same items could be trained on. "
            f"Fine-tuned on them, a parent reaches {values} on average. {reading} Merging remains "
            "of interest where gradients are not to be had, where labels are too few to train on, "
            "or where nothing may be trained.",
        )
    ]


def _retention(story: Story) -> list[Paragraph]:
    kept = story.subject("kept")
    if _evolved(story) is None or not isinstance(kept, list) or not kept:
        return []
    return [
        Paragraph(
            heading="What a merge forgets",
            text="The fitness of the evolved merge asks for the primary task alone. The further "
            "columns of {{ref:tab:main}} show what the arms kept of the abilities of their "
            "parents; a user who needs those abilities should put them into the fitness.",
        )
    ]
