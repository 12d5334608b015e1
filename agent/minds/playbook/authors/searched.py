"""What a paper says of searches over the grammar of architectures, where a run had any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from agent.minds.playbook.architectures.wording import named
from agent.minds.playbook.story import Story
from papers.draft import Passage
from papers.manuscript import Paragraph
from sandbox.records import TrialLine
from tools.architectures.architecture import Architecture
from tools.experiment import Arm

TOOL = "search_architecture"
Planned = tuple[str, Arm]


def searching(story: Story) -> list[Planned]:
    """Every arm that searches, once, with the first plan that has it."""
    found: dict[str, Planned] = {}
    for id, plan in story.experiments.items():
        for arm in plan.arms:
            if arm.tool == TOOL:
                found.setdefault(arm.name, (id, arm))
    return list(found.values())


def bodies(story: Story) -> list[Architecture]:
    """What searches start from and what they found."""
    starts = [start for _, arm in searching(story) for start in _starts(arm)]
    return [*starts, *(_found(line) for line in _ended(story))]


def method(story: Story) -> Passage:
    """How the grammar was searched, and what the searches have in common."""
    arms = searching(story)
    if not arms:
        return ()
    return (
        Paragraph(
            heading="Search",
            text="Some arms do not name an architecture but search the grammar for one: blocks and "
            "their parameters, convolutions, norms, positions, residuals, loops and the order of "
            f"layers. {_budget(arms[0])} A candidate's fitness is its accuracy on development "
            "items, less a little of its cross-entropy; the best candidate is then trained in "
            "full, at the learning rates and steps of the other arms, and it alone answers the "
            f"test items. {' '.join(_strategies(arms))}",
        ),
    )


def results(story: Story) -> Passage:
    """What was found, in words; the table has it seed by seed."""
    told = [text for _, arm in searching(story) if (text := _told(story, arm))]
    if not told:
        return ()
    return (
        Paragraph(
            heading="What was found",
            text="{{ref:tab:found}} lists the architecture that each search settled on. "
            + " ".join(told)
            + " These are descriptions of what was kept, and no part of them was tested by itself.",
        ),
    )


def spent(story: Story) -> tuple[Paragraph, ...]:
    """That a search spends more than what it is compared with."""
    if not searching(story):
        return ()
    counted = "tab:architectures" in story.shown
    return (
        Paragraph(
            heading="Searches",
            text="Searches are compared with each other at equal numbers of candidates. Beside an "
            "architecture that is named they have spent the training of all their candidates in "
            f"addition{', which {{ref:tab:architectures}} does not count' * counted}, and what "
            "does best after a "
            "short training need not do so after a long one.",
        ),
    )


def _budget(planned: Planned) -> str:
    id, arm = planned
    at = f"plan:{id}.arm.{arm.name}"
    return (
        f"Each search trains {{{{{at}.evaluations|words}}}} candidates for "
        f"{{{{{at}.search_steps|d}}}} steps at a single rate, the first of them the start that the "
        "plan names; every candidate is causal and is brought to the same number of parameters "
        "first, so that none gains by size."
    )


def _strategies(arms: list[Planned]) -> list[str]:
    found = [arm.arguments for _, arm in arms]
    told = []
    if any(each.get("strategy") == "random" for each in found):
        told.append(
            "Random search draws layers and their parts at random "
            "{{citep:bergstra2012random,li2020nasbaseline}}."
        )
    evolving = [each for each in found if each.get("strategy") == "evolve"]
    if evolving:
        told.append(
            "Evolution begins with the same draws; then it takes the best of a few random members "
            "of its population as a parent, mutates it or crosses it with another, and lets the "
            "oldest member die {{citep:real2019regularized}}."
        )
    if any(each.get("proposals") != 1 for each in evolving):
        told.append(
            "Of several such children, some of them drawn at random, a surrogate chooses the one "
            "to train: a Bayesian linear model of the parts of the grammar, whose weights are "
            "drawn anew from their posterior for every choice {{citep:white2023nas}}."
        )
    return told


def _told(story: Story, arm: Arm) -> str:
    """The mixers that an arm's searches kept, most frequent first."""
    mine = [_found(line) for line in _ended(story) if line.arm == arm.name]
    if not mine:
        return ""
    plan = next(id for id, found in searching(story) if found.name == arm.name)
    label = f"{{{{plan:{plan}.arm.{arm.name}.label|text}}}}"
    mixers = Counter(name for body in mine for name in sorted(_mixers(body)))
    order = sorted(mixers, key=lambda name: (-mixers[name], name))
    convolved = sum(any(layer.convolution for layer in body.layers) for body in mine)
    with_ = {len(mine): "always with", 0: "never with"}.get(convolved, "on some seeds with")
    names = ", ".join(named(name) for name in order)
    return f"{label}: mixers, most frequent first, {names}, {with_} a short convolution."


def _mixers(body: Architecture) -> set[str]:
    return {layer.mixer.block for layer in body.layers if layer.mixer is not None}


def _ended(story: Story) -> Iterable[TrialLine]:
    return (t for t in story.ledger.lines(TrialLine) if t.found and t.status == "ok")


def _found(line: TrialLine) -> Architecture:
    return Architecture.model_validate(line.found)


def _starts(arm: Arm) -> list[Architecture]:
    given = arm.arguments.get("start")
    return [Architecture.model_validate(one) for one in given] if isinstance(given, list) else []
