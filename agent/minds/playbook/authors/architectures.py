"""The built-in mind on architectures: what is said of them and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.minds.playbook.authors import searched
from agent.minds.playbook.authors.architecture_method import components, gate, sizes, training
from agent.minds.playbook.authors.architecture_speed import (
    is_speed,
    limits_of_times,
    speed,
    times_measured,
)
from agent.minds.playbook.authors.architecture_speed import reached as speed_reached
from agent.minds.playbook.authors.author import author
from agent.minds.playbook.story import Finding, GateState, Story, noun, sections
from papers.draft import Passage
from papers.exhibits.exhibit import exhibits_of
from papers.manuscript import Figure, Items, Paragraph
from papers.record_view import RecordView

METRICS = {"bits": "of bits per token"}
FOREST, PARETO, SEARCH, PACE = "fig:forest", "fig:pareto", "fig:search", "fig:pace"
TREE, MAIN = "fig:tree", "tab:main"
APART = (FOREST, PARETO, SEARCH, PACE, TREE)
"""Figures that do not show the single seeds of arms."""


@author("architectures")
class ArchitectureAuthor:
    """See `Author`."""

    related_work = "related_work_architectures.md"
    chosen_before = "the tasks, the widths and the learning rates on offer"

    def title(self, story: Story) -> str:
        """The lead hypothesis where its test supports it, else the question."""
        if story.gate_state == "missed":
            return "Is a Known Order of Sequence Models Reproduced? A Pre-Registered Check"
        lead = next(iter(_asked(story)), None)
        if story.gate_state == "held" and lead is not None and lead.ruling == "supported":
            return f"{lead.hypothesis.title}: pre-registered tests on small sequence models"
        asked = story.quotable_question or "Which Parts of a Sequence Model Matter?"
        return f"{asked} Pre-Registered Tests on Small Sequence Models"

    def opening(self, story: Story) -> str:
        """Why comparisons of architectures are to be doubted."""
        return (
            "Reports of new sequence models seldom train every competitor with the same care, on "
            "repeated runs, under tests fixed in advance, and it stays open which of their gains "
            "would outlive another code base."
        )

    def headliners(self, story: Story) -> list[Finding]:
        """What was asked beyond the gate, in the order of asking; the gate where nothing was."""
        asked = [f for f in _asked(story) if f.comparison]
        return asked or [f for f in story.gate if f.comparison]

    def before(self, story: Story) -> str:
        """Whether the known order was reproduced."""
        return _BEFORE[story.gate_state]

    def aside(self, story: Story) -> str:
        """Nothing: the gate stands before the findings."""
        return ""

    def versus(self, treatment: str, control: str) -> str:
        """Mechanisms have no article."""
        return f"{treatment} against {control}"

    def reached(self, metric: str, treatment: str, control: str, first: str, second: str) -> str:
        """What was measured for both."""
        if is_speed(metric):
            return speed_reached(metric, treatment, control, first, second)
        what = METRICS.get(metric, metric.replace("_", " "))
        return f"the mean {what} is {first} for {treatment} and {second} for {control}"

    def introduction(self, story: Story) -> Passage:
        """Why the comparison is hard, and what was done about that."""
        return _introduction(story)

    def method(self, story: Story) -> Passage:
        """Parts, sizes, training, searches, speed, gate."""
        parts = (components, training, sizes, searched.method, speed, gate)
        return tuple(block for part in parts for block in part(story))

    def subject(self, story: Story) -> Paragraph:
        """Tasks, what a pair is, and which items are for what."""
        return Paragraph(
            heading="Tasks",
            text="The subject is {{fact:subject.description|text}}. {{ref:tab:tasks}} lists the "
            "tasks. {{fact:subject.pairing|text}} The primary task is "
            f"{{{{{story.primary_label}|inline}}}}; each arm is trained and tested on a single "
            f"task{', which {{ref:tab:main}} names' * (MAIN in story.shown)}. Development items "
            "choose the learning rate, test items are used by nothing but the final measurement.",
        )

    def overview(self, story: Story) -> Passage:
        """Where results stand."""
        figures = _figures(story)
        seen = [f"{{{{ref:{label}}}}}" for label in figures if label not in APART]
        single = f" {_and(seen)} {noun(len(seen), 'shows', 'show')} the single seeds." * bool(seen)
        cost = " {{ref:fig:pareto}} sets accuracy against cost." * (PARETO in figures)
        cost += " {{ref:tab:speed}} gives what was timed." * times_measured(story)
        cost += " {{ref:fig:pace}} sets what was written against its time." * (PACE in figures)
        cost += " {{ref:fig:search}} follows the searches." * (SEARCH in figures)
        forest = " and {{ref:fig:forest}}" * (FOREST in figures)
        tree = " {{ref:fig:tree}} shows which followed from which." * (TREE in figures)
        verb = "give" if forest else "gives"
        return (
            Paragraph(
                text=f"{{{{ref:tab:main}}}} gives the result of every arm on its task, and "
                f"{{{{ref:tab:architectures}}}} what the arms cost.{single}{cost} "
                f"{{{{ref:tab:verdicts}}}}{forest} {verb} the test of every hypothesis.{tree} "
                "Differences that no test covers are described and not interpreted."
            ),
            *searched.results(story),
        )

    def discussion(self, story: Story) -> tuple[Paragraph, ...]:
        """What the tests say of mechanisms, and of cost."""
        return (*_standing(story), *_cost(story), *searched.spent(story))

    def scale(self, story: Story) -> str:
        """Small models, synthetic tasks."""
        return (
            "The models are small and trained briefly: an order may change with width, depth, "
            "length and data."
        )

    def further_limits(self, story: Story) -> tuple[Paragraph, ...]:
        """The recipe, the code, the clock."""
        return (_TUNING, _limits_of_cost(story))


_BEFORE: Mapping[GateState, str] = {
    "none": "",
    "not run": (
        "The known order of architectures on recall was not asked of the code of this run, so "
        "nothing in it ranks architectures."
    ),
    "missed": (
        "The known order of architectures on recall was not reproduced, so nothing in this run "
        "ranks architectures."
    ),
    "held": (
        "Before it asked anything else, the run reproduced the known order of attention, state "
        "space and linear models on recall with its own code."
    ),
}

_TUNING = Paragraph(
    heading="Tuning",
    text="Learning rates were chosen for every arm with equal trials, and nothing else was: "
    "the schedule, the initialisation, the weight decay and the length of training are those "
    "of a single recipe for the arms that a test compares. An architecture that another recipe "
    "suits is treated unfairly, and an arm whose chosen rate lies at the end of the range might do "
    "with one outside of it.",
)


def _limits_of_cost(story: Story) -> Paragraph:
    return Paragraph(
        heading="Cost",
        text="Blocks are plain implementations without tuned kernels, so their speed says little "
        f"of their speed elsewhere. {limits_of_times(story)}; parameters, state and operations are "
        "counted, which leaves out memory traffic and parallelism.",
    )


def _figures(story: Story) -> tuple[str, ...]:
    """Labels of the figures that the results will show."""
    view = RecordView(story.ledger, story.facts, story.plans)
    return tuple(b.label for b in exhibits_of(view).results() if isinstance(b, Figure))


def _and(parts: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def _asked(story: Story) -> list[Finding]:
    """The findings beyond the gate, first questions before follow-ups."""
    rest = [f for f in story.findings if f not in story.gate]
    return sorted(rest, key=lambda f: bool(f.hypothesis.relation))


def _introduction(story: Story) -> Passage:
    return (
        Paragraph(
            text="Attention looks everything up and pays for it with a cache that grows with the "
            "text {{citep:vaswani2017attention}}. Many mixers keep a state of constant size "
            "instead {{citep:katharopoulos2020linear,dao2024mamba2,yang2025gateddelta}}, and the "
            "question is what they give up. Small synthetic tasks answer it for one ability at "
            "a time "
            "{{citep:arora2024zoology,poli2024mad}}, in minutes, so that many variants can be "
            "tried."
        ),
        Paragraph(
            text="That speed is also the danger. Where trying is cheap, the best of many tries is "
            "reported; a variant that was tuned is set against a baseline that was not "
            "{{citep:lipton2018troubling}}; recall is learned suddenly on some seeds and never on "
            "others, so that single runs mislead {{citep:bouthillier2021variance}}; and most "
            "modifications turn out not to transfer to another code base "
            "{{citep:narang2021transfer}}. The question of this study is: {{fact:question|text}}"
        ),
        Paragraph(text="We address it as follows."),
        Items(
            items=(
                "Each hypothesis states a numeric prediction and what would refute it, and its "
                "plan (arms, task, seeds, metric and decision rule) is frozen before the trials "
                "that decide it {{citep:nosek2018preregistration}}.",
                *(_GATE if story.gate else ()),
                "Every arm trains at the same learning rates with equal trials; its rate is chosen "
                "on development items, never on test items.",
                "All outcomes are reported in the same place, the refuted and the undecided "
                f"beside the supported{story.see('tab:verdicts')}, and every value is traceable "
                "to the trial that produced it.",
            )
        ),
    )


_GATE = (
    "A known order of architectures has to be reproduced with the code of the run before any "
    "other question is asked.",
)


def _standing(story: Story) -> tuple[Paragraph, ...]:
    """What a gate that was missed or never asked means for everything else."""
    if story.gate_state not in ("missed", "not run"):
        return ()
    unheld = sections(f for f in story.gate if f.ruling != "supported")
    said = (
        f"What is known of these architectures was not found here{f' ({unheld})' * bool(unheld)}. "
        "Either the training was too short, or the pairs were too few, or the code has a fault"
        if story.gate
        else "What is known of these architectures was not asked of the code of this run, which "
        "may have a fault that nobody has seen"
    )
    where = " in {{ref:tab:main}}" * (MAIN in story.shown)
    return (
        Paragraph(
            heading="The gate",
            text=f"{said}; until that is settled, no order of the arms{where} should be relied on.",
        ),
    )


def _cost(story: Story) -> tuple[Paragraph, ...]:
    if not any(f.comparison for f in story.findings):
        return ()
    return (
        Paragraph(
            heading="Quality against cost",
            text="An accuracy says little without its cost. {{ref:tab:architectures}} counts what "
            "each arm stores and computes on the inputs of its task. A gain that comes with a "
            "larger state is a different finding from one at an equal state.",
        ),
    )
