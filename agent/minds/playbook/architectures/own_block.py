"""A block that the topic brings recalls no less than the built-in one in whose place it stands."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family
from agent.minds.playbook.followups import lower
from agent.own_code import FAMILIES
from tools.architectures.architecture import Architecture, Choice
from tools.architectures.own_block import OwnBlock, brought
from tools.experiment import Arm

MARGIN = -0.05
MEANING = {
    "supported": "At equal size and training, the block that was brought loses less than the "
    "margin in the place of the built-in one, if it loses anything.",
    "refuted": "At equal size and training, the block that was brought loses more than the margin "
    "in the place of the built-in one.",
    "inconclusive": "Whether the block that was brought stays within the margin of the built-in "
    "one is not settled by these pairs.",
}


def own_block(at: Setting, number: int) -> Idea | None:
    """Non-inferiority of the topic's block of that number; none where it brings fewer."""
    blocks = tuple(brought(at.subject).values())
    if number >= len(blocks):
        return None
    block = blocks[number]
    control = reference(at, block)
    treatment = replaced(at, block, control)
    name, other = block.label, control.label
    return Idea(
        title=f"{name} keeps up with {lower(other)}",
        statement=(
            f"In a model of as many parameters, trained alike, {lower(name)} should be at least "
            f"as accurate {arms.where(at)} as {lower(other)}, within a margin."
        ),
        rationale=(
            "A new block earns its place by standing where a known block stood, at equal size and "
            "with its learning rate chosen as carefully; gains over a baseline that was given "
            "less of either do not last {{citep:lipton2018troubling,narang2021transfer}}."
        ),
        prediction=f"{name} - {other} > {MARGIN} accuracy",
        refuted_by=f"the exact test says that the mean difference is below {MARGIN}",
        cites=("lipton2018troubling", "narang2021transfer"),
        treatment=(treatment,),
        control=(control,),
        null_effect=MARGIN,
        predicted_effect=MARGIN,
    )


def reference(at: Setting, block: OwnBlock) -> Arm:
    """What it is compared with: of its kind, and with a state that grows only if its own does."""
    if block.mixes == "channel":
        return arms.mixed_attention(at)
    return arms.ssd(at) if block.constant_state else arms.attention(at)


def replaced(at: Setting, block: OwnBlock, control: Arm) -> Arm:
    """The control's architecture with the block in every place, brought to the control's size."""
    if block.mixes == "channel":
        one = arms.layer("softmax_attention", channel=Choice(block=block.name))
    else:
        one = arms.layer(block.name)
    like = Architecture.model_validate(control.arguments["architecture"])
    name = f"own-{block.name.replace('_', '-')}"
    arm = arms.trained(at, name, block.label, arms.of(at, one, one), like=like)
    return arm.model_copy(
        update={"arguments": {**arm.arguments, "own_blocks": {block.name: block.digest}}}
    )


def _declare(number: int, name: str) -> None:
    @family(name, domain="architectures", meaning=MEANING)
    def think(at: Setting) -> Idea | None:
        return own_block(at, number)


for _number, _name in enumerate(FAMILIES["block"]):
    _declare(_number, _name)
