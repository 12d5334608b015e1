"""Arms that compare speeds: a contender with a baseline, and a baseline with itself.

All train on one text with one recipe. A context is much longer than what is trained on, as that is
where caches matter; quality is judged within the trained length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Setting
from tools.architectures.architecture import Architecture
from tools.experiment import Arm
from tools.tasks.sequence import ProfileName

TEXT = "text"
"""The task of a text, which something can be written of."""
WHERE = "on Python's help text"
TOOL = "compare_speed"


@dataclass(frozen=True)
class Recipe:
    """How both sides are trained, and how many characters stand before the timed writing."""

    steps: int
    batch: int
    rates: tuple[float, ...]
    context: int


RECIPES: Mapping[ProfileName, Recipe] = {
    "quick": Recipe(steps=200, batch=32, rates=(5e-3, 1e-2, 2e-2), context=256),
    "default": Recipe(steps=1500, batch=32, rates=(2e-3, 5e-3, 1e-2), context=512),
    "paper": Recipe(steps=10_000, batch=64, rates=(3e-4, 1e-3, 3e-3), context=2048),
}
"""The quick one was tried on seed 0; the larger ones have not been tried."""


def applies(at: Setting) -> bool:
    """Whether the subject has a text."""
    return arms.has(at, TEXT)


def against(
    at: Setting,
    name: str,
    label: str,
    contender: Architecture,
    baseline: Architecture,
    **more: JsonValue,
) -> Arm:
    """A contender timed beside a baseline. more: further arguments, such as its objective."""
    recipe = RECIPES[arms.size_of(at)]
    arguments: dict[str, JsonValue] = {
        "architecture": contender.model_dump(mode="json"),
        "baseline": baseline.model_dump(mode="json"),
        "task": TEXT,
        "size": arms.size_of(at),
        "steps": recipe.steps,
        "batch": recipe.batch,
        "rates": list(recipe.rates),
        "context": recipe.context,
        **more,
    }
    return Arm(name=name, label=label, tool=TOOL, arguments=arguments)


def attention_again(at: Setting) -> Arm:
    """Attention with convolution, timed beside itself."""
    body = arms.attention_body(at)
    return against(at, "attention-conv-again", "Repeated timing of attention", body, body)


def mixed_attention_again(at: Setting) -> Arm:
    """Attention with SwiGLU and no convolution, timed beside itself."""
    body = plain_mixed_body(at)
    label = "Repeated timing of attention with SwiGLU"
    return against(at, "plain-attention-glu-again", label, body, body)


def plain_mixed_body(at: Setting) -> Architecture:
    """What can also fill in hidden characters: no convolution mixes them with others."""
    one = arms.layer("softmax_attention", convolution=0, channel=arms.glu())
    return arms.of(at, one, one)
