"""How the architectures of a run were built, trained, sized and gated."""

from __future__ import annotations

from collections.abc import Iterator

from agent.minds.playbook.authors import mechanisms
from agent.minds.playbook.family import gates
from agent.minds.playbook.story import Story, noun
from papers.draft import Passage
from papers.manuscript import Items, Paragraph
from tools.architectures.architecture import Architecture
from tools.experiment import Arm

OPTIMIZERS = {
    "adamw": "AdamW {{citep:loshchilov2019adamw}}",
    "muon": "Muon {{citep:liu2025muon}}",
}
OBJECTIVES = {
    "next_token": "cross-entropy at the positions that the task asks about",
    "multi_token": "cross-entropy of several tokens ahead",
    "masked_diffusion": "the bound of masked diffusion {{citep:sahoo2024mdlm,nie2025llada}}",
    "block_diffusion": "the bound of block diffusion {{citep:arriola2025block}}",
    "distillation": "distillation from teachers {{citep:hinton2015distilling}}",
    "latent_prediction": "prediction of the next latent state {{citep:ha2018world}}",
}
TOOLS = {
    "upscale_architecture": "An up-scaled arm trains a shallow model first, makes a deeper one of "
    "copies of its layers {{citep:kim2024solar}}, and trains on; both stages together spend as "
    "many operations as the training of the deep model alone.",
}
"""What a tool does beyond training, for those that do more."""
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
    bodies = [body_of(arm) for _, arm in planned(story)]
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
            f"{norms}, unless an arm is about that. The parts that differ between the arms are:",
        ),
        Items(items=mechanisms.sentences(bodies)),
    )


def body_of(arm: Arm) -> Architecture:
    """The architecture that an arm names."""
    return Architecture.model_validate(arm.arguments["architecture"])


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
            f"their norm. {_sweep(arms)}{_beyond(arms)} A training that diverges counts "
            "with what it reached. Only the model of the chosen rate answers the test items, "
            "and it does so once.",
        ),
    )


def _aims(arms: list[Planned]) -> str:
    """What was minimised, in one sentence."""
    chosen = [arm.arguments.get("objective") for _, arm in arms]
    names = {
        str(c.get("name", "next_token")) if isinstance(c, dict) else "next_token" for c in chosen
    }
    told = "; or ".join(OBJECTIVES.get(n, f"{{{{code:{n}}}}}") for n in sorted(names))
    return f"It minimises {told}."


def _sweep(arms: list[Planned]) -> str:
    """How many rates and steps, in one sentence where all arms have as many."""
    one = len({_given(arm) for _, arm in arms}) == 1
    if not one:
        return (
            "Its peak learning rate is chosen on the development items; {{ref:tab:architectures}} "
            "gives how many rates each arm tried and for how many steps."
        )
    id, arm = arms[0]
    at = f"plan:{id}.arm.{arm.name}"
    rates = arm.arguments.get("rates")
    if not isinstance(rates, list) or len(rates) == 1:
        return (
            f"All arms train for {{{{{at}.steps|d}}}} steps of {{{{{at}.batch|d}}}} sequences, at "
            "a peak learning rate that was fixed in the plan."
        )
    return (
        f"Its peak learning rate is chosen on the development items among {{{{{at}.rates|words}}}} "
        f"candidates, alike for all arms, each tried for {{{{{at}.steps|d}}}} steps of "
        f"{{{{{at}.batch|d}}}} sequences."
    )


def _beyond(arms: list[Planned]) -> str:
    """What some arms do besides."""
    tools = sorted({arm.tool for _, arm in arms})
    return "".join(f" {TOOLS[name]}" for name in tools if name in TOOLS)


def _given(arm: Arm) -> str:
    """What an arm may spend, to be compared."""
    return str([arm.arguments.get(name) for name in ("rates", "steps", "batch")])


def sizes(story: Story) -> Passage:
    """Which arms were brought to equal size, and where their sizes stand."""
    arms = planned(story)
    if not arms:
        return ()
    matched = [f"{{{{plan:{id}.arm.{arm.name}.label|inline}}}}" for id, arm in _matched(arms)]
    resized = (
        "No arm was resized."
        if not matched
        else f"{'This arm' if len(matched) == 1 else 'These arms'} were resized: "
        f"{', '.join(matched)}. Width or expansion was changed until the count named in the plan "
        "was that of the arm to compare with, within a tolerance of a few per cent."
    )
    if len(matched) == 1:
        resized = resized.replace("This arm were", "This arm was")
    return (
        Paragraph(
            heading="Sizes",
            text=f"Every plan fixes the sizes of its arms. {resized} "
            "{{ref:tab:architectures}} gives the parameters of every arm as trained, the "
            "numbers that it keeps for one sequence while "
            "decoding, and the operations of a forward pass per token.",
        ),
    )


def _matched(arms: list[Planned]) -> Iterator[Planned]:
    return ((id, arm) for id, arm in arms if arm.arguments.get("match"))


def gate(story: Story) -> Passage:
    """The known order that has to be reproduced first; nothing where the run had none."""
    names = gates(story.domain)
    parts = [
        f for f in story.findings if f.hypothesis.family in names and not f.hypothesis.relation
    ]
    if not parts:
        return ()
    places = ", ".join(f"{{{{ref:sec:{f.hypothesis.id}}}}}" for f in parts)
    return (
        Paragraph(
            heading="Gate",
            text="A run whose code does not find what is known has no ground for claims about what "
            "is not. The first "
            f"{noun(len(parts), 'hypothesis is', 'hypotheses are')} therefore a gate ({places}): "
            "published results on recall {{citep:arora2024zoology,poli2024mad}}, asked of the code "
            "of this run. Nothing else is asked until all of the gate is supported, and a run in "
            "which it is not says so on its first page.",
        ),
    )
