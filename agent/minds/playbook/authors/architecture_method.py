"""How the architectures of a run were built, trained, sized and gated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import TypeAdapter

from agent.minds.playbook.authors import mechanisms, objectives, own_code, searched, thinking
from agent.minds.playbook.story import Story, noun, sections
from papers.draft import Passage
from papers.manuscript import Items, Paragraph
from tools.architectures.architecture import Architecture
from tools.architectures.foreign import Candidate, Foreign
from tools.architectures.ticks import Ticks
from tools.experiment import Arm

OPTIMIZERS = {
    "adamw": "AdamW {{citep:loshchilov2019adamw}}",
    "muon": "Muon {{citep:liu2025muon}}",
}
COSTS = "tab:architectures"
_FOREIGN = "The model {{{{code:{}}}}} is built untrained, by the transformers library."
_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)
Planned = tuple[str, Arm]
"""Experiment id and arm."""


def planned(story: Story) -> list[Planned]:
    """Every arm that trains an architecture, once, with the first plan that has it."""
    found: dict[str, Planned] = {}
    for id, plan in story.experiments.items():
        for arm in plan.arms:
            if arm.arguments.get("architecture"):
                found.setdefault(arm.name, (id, arm))
    return list(found.values())


def components(story: Story) -> Passage:
    """What the models are made of, one sentence a part."""
    found = [candidate_of(arm) for _, arm in planned(story)]
    found += [*objectives.bodies(planned(story)), *searched.bodies(story)]
    thinkers = [each for each in found if isinstance(each, Ticks)]
    return (*_of_blocks(found), *own_code.told(story), *_of_ticks(thinkers))


def _of_blocks(found: Sequence[Candidate]) -> Passage:
    """Models of layers; those of transformers are named and left to that library."""
    bodies = [each for each in found if isinstance(each, Architecture)]
    families = sorted({each.family for each in found if isinstance(each, Foreign)})
    if not bodies:
        return ()
    norms = " or ".join(mechanisms.NORMS[name] for name in sorted({body.norm for body in bodies}))
    return (
        Paragraph(
            heading="Architectures",
            text="A model embeds its tokens, passes them through its layers and reads its answers "
            "off the last one. A layer has a sequence mixer, which moves information between "
            "positions, and some have a channel mixer too, which treats every position alike; "
            "each adds to a residual stream and has its input normalised "
            f"{norms}, unless an arm is about that. The parts of the arms are:",
        ),
        Items(items=(*mechanisms.sentences(bodies), *(_FOREIGN.format(f) for f in families))),
    )


def _of_ticks(specs: list[Ticks]) -> Passage:
    """Models that think in ticks, where the run had any."""
    if not specs:
        return ()
    return (
        Paragraph(
            heading="Models that think in ticks",
            text="Some arms are no stacks of layers: they think for a number of internal ticks, "
            "fixed in the plan, and answer each sequence once.",
        ),
        Items(items=thinking.sentences(specs)),
    )


def candidate_of(arm: Arm) -> Candidate:
    """What the arm trains: an architecture of blocks, or another kind."""
    candidate: Candidate = _CANDIDATE.validate_python(arm.arguments["architecture"])
    return candidate


def training(story: Story) -> Passage:
    """The recipe, and how the learning rate was chosen."""
    arms = planned(story)
    if not arms:
        return ()
    names = sorted({str(arm.arguments.get("optimizer", "adamw")) for _, arm in arms})
    used = " or ".join(OPTIMIZERS.get(name, f"{{{{code:{name}}}}}") for name in names)
    return (
        Paragraph(
            heading="Training",
            text=f"Every trial trains its architecture from scratch on its task. {_aims(arms)} The "
            f"optimiser is {used}, with a linear warm-up, a cosine decay and gradients clipped by "
            f"their norm. {_sweep(story, arms)}{objectives.beyond(story, arms)} A training that "
            "diverges counts with what it reached. Only the model of the chosen rate answers the "
            "test items, and it does so once.",
        ),
    )


def _aims(arms: list[Planned]) -> str:
    """What was minimised, in one sentence."""
    specs = [each for _, arm in arms if isinstance(each := candidate_of(arm), Ticks)]
    others = [arm for _, arm in arms if not isinstance(candidate_of(arm), Ticks)]
    told = objectives.aims(others)
    told += [thinking.taught(specs)] if specs else []
    return f"It minimises {'; or '.join(told)}."


def _sweep(story: Story, arms: list[Planned]) -> str:
    """How many rates and steps, in one sentence where all arms have as many."""
    one = len({_given(arm) for _, arm in arms}) == 1
    if not one:
        tried = "; {{ref:tab:architectures}} gives how many rates each arm tried and for how "
        tried += "many steps"
        return (
            "Its peak learning rate is chosen on the development items"
            f"{tried * (COSTS in story.shown)}."
        )
    id, arm = arms[0]
    at = f"plan:{id}.arm.{arm.name}"
    rates = arm.arguments.get("rates")
    if not isinstance(rates, list) or len(rates) == 1:
        return (
            f"All arms train for {{{{{at}.steps|d}}}} steps of {{{{{at}.batch|d}}}} sequences, at "
            "a peak learning rate that was fixed in the plan."
        )
    if arm.arguments.get("seconds"):
        return (
            "Its peak learning rate is chosen on the development items among "
            f"{{{{{at}.rates|words}}}} candidates, alike for all arms, each tried for "
            f"{{{{{at}.seconds|d}}}} seconds of "
            f"processor time with {{{{{at}.batch|d}}}} sequences a step; how many steps that is "
            "depends on the machine."
        )
    return (
        f"Its peak learning rate is chosen on the development items among {{{{{at}.rates|words}}}} "
        f"candidates, alike for all arms, each tried for {{{{{at}.steps|d}}}} steps of "
        f"{{{{{at}.batch|d}}}} sequences."
    )


def _given(arm: Arm) -> str:
    """What an arm may spend, to be compared."""
    return str([arm.arguments.get(name) for name in ("rates", "steps", "seconds", "batch")])


def sizes(story: Story) -> Passage:
    """Which arms were brought to equal size, and where their sizes stand."""
    arms = planned(story)
    if not arms:
        return ()
    matched = [f"{{{{plan:{id}.arm.{arm.name}.label|inline}}}}" for id, arm in _matched(arms)]
    resized = (
        "No arm was resized."
        if not matched
        else f"{noun(len(matched), 'This arm was', 'These arms were')} resized: "
        f"{', '.join(matched)}. {_knobs(arms)} was changed until the count named in the plan "
        "was that of the arm to compare with, within a tolerance of a few per cent."
    )
    counted = (
        " {{ref:tab:architectures}} gives the parameters of every arm as trained, the numbers that "
        "it keeps for one sequence while decoding, and the operations of a forward pass per token."
    )
    return (
        Paragraph(
            heading="Sizes",
            text=f"Every plan fixes the sizes of its arms. {resized}"
            f"{counted * (COSTS in story.shown)}",
        ),
    )


def _knobs(arms: list[Planned]) -> str:
    """What was changed to match a size, as the subject of a sentence."""
    ticks = [isinstance(candidate_of(arm), Ticks) for _, arm in _matched(arms)]
    if all(ticks):
        return "The number of neurons or units"
    return "Width, expansion or the number of neurons" if any(ticks) else "Width or expansion"


def _matched(arms: list[Planned]) -> Iterator[Planned]:
    return ((id, arm) for id, arm in arms if arm.arguments.get("match"))


def gate(story: Story) -> Passage:
    """The known order that has to be reproduced first; nothing where the run had none."""
    if not story.gate:
        return ()
    parts = noun(len(story.gate), "hypothesis is", "hypotheses are")
    return (
        Paragraph(
            heading="Gate",
            text="A run whose code does not find what is known has no ground for claims about what "
            "is not. The first "
            f"{parts} therefore a gate ({sections(story.gate)}): "
            "published results on recall {{citep:arora2024zoology,poli2024mad}}, asked of the code "
            "of this run. Nothing else is asked until all of the gate is supported, and a run in "
            "which it is not says so on its first page. Because the gate counts as a whole, each "
            "of its parts is tested by itself at the full level, an intersection-union test "
            "{{citep:berger1982multiparameter}}, and stays out of the others' correction.",
        ),
    )
