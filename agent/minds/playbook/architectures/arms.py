"""The arms that families about architectures share: equal calls are one trial.

All arms of a run train at the same learning rates, for as many steps, on the same sequences. Sides
of a claim about a mechanism have parameters within 5% of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agent.minds.playbook.family import Setting
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.foreign import Candidate, Foreign
from tools.architectures.subject import ArchitectureSuite
from tools.experiment import Arm
from tools.tasks.own_task import brought_tasks
from tools.tasks.sequence import ProfileName, find_sequence_task

GATE_TASK = "mqar"
"""The task on which the known order is to be reproduced."""
HEADS = 4
"""Of attention where nothing else is said."""
KERNEL = 4
"""Positions that a short convolution reads, as in Mamba."""
OWN = frozenset({"state_space_dual", "delta_net", "gated_delta_net"})
"""Blocks with a short convolution within; here every mixer has the same one, in front."""
SLOW: Mapping[str, JsonValue] = {"shortest": 0.5, "longest": 1.0, "fastest": 0.01}
"""Decays that begin slow enough for sequences of tens of tokens, not of thousands."""
FADING = frozenset({"state_space_dual", "gated_delta_net"})
"""Blocks whose decays begin so."""


@dataclass(frozen=True)
class Scale:
    """How wide models are and how they are trained, at one size of the tasks.

    seconds: of the processor at each rate, where that is the budget in place of the steps.
    """

    width: int
    steps: int
    batch: int
    rates: tuple[float, ...]
    seconds: float


SCALES: Mapping[ProfileName, Scale] = {
    "quick": Scale(width=32, steps=800, batch=32, rates=(5e-3, 7.5e-3, 1e-2), seconds=6.0),
    "default": Scale(width=64, steps=3000, batch=32, rates=(2e-3, 5e-3, 1e-2), seconds=60.0),
    "paper": Scale(width=128, steps=20_000, batch=128, rates=(3e-4, 1e-3, 3e-3), seconds=3600.0),
}


def size_of(at: Setting) -> ProfileName:
    """The size of the tasks that the topic asks for."""
    assert isinstance(at.subject, ArchitectureSuite)
    return at.subject.size


def width_of(at: Setting) -> int:
    """Width of the models."""
    return SCALES[size_of(at)].width


def where(at: Setting, task: str = "") -> str:
    """The task within a sentence; the primary one where none is named."""
    return f"on {_small(at, task or at.subject.primary)}"


def has(at: Setting, task: str) -> bool:
    """Whether the subject has that task."""
    return any(card.name == task for card in at.subject.cards)


def layer(
    mixer: str, convolution: int = KERNEL, channel: Choice | None = None, **parameters: JsonValue
) -> Layer:
    """A sequence mixer behind its short convolution."""
    if mixer in OWN:
        parameters["convolution"] = 0
    if mixer in FADING:
        parameters |= SLOW
    chosen = Choice(block=mixer, parameters=parameters)
    return Layer(mixer=chosen, channel=channel, convolution=convolution)


def of(at: Setting, *layers: Layer, width: int = 0, **more: JsonValue) -> Architecture:
    """These layers at the width of the run, or another."""
    body = {"width": width or width_of(at), "layers": layers, **more}
    return Architecture.model_validate(body)


def glu(expansion: float = 1.0) -> Choice:
    """A SwiGLU channel mixer."""
    return Choice(block="glu", parameters={"expansion": expansion})


def trained(
    at: Setting,
    name: str,
    label: str,
    architecture: Candidate,
    *,
    task: str = "",
    like: Candidate | None = None,
    optimizer: str = "adamw",
) -> Arm:
    """An architecture trained on a task, the primary one by default.

    like: what its parameters are matched to.
    """
    scale = SCALES[size_of(at)]
    arguments: dict[str, JsonValue] = {
        "architecture": architecture.model_dump(mode="json"),
        "task": at.subject.primary,
        "size": size_of(at),
        "optimizer": optimizer,
        "rates": list(scale.rates),
        "steps": scale.steps,
        "batch": scale.batch,
    }
    if like is not None:
        arguments["match"] = {"quantity": "parameters", "like": like.model_dump(mode="json")}
    arm = named(at, Arm(name=name, label=label, tool="train_architecture", arguments=arguments))
    return on(at, arm, task) if task else arm


def timed(at: Setting, arm: Arm) -> Arm:
    """The same, trained for as much processor time as all such arms, not for as many steps."""
    arguments = {name: given for name, given in arm.arguments.items() if name != "steps"}
    arguments["seconds"] = SCALES[size_of(at)].seconds
    names = {"name": f"{arm.name}-by-time", "label": f"{arm.label} by time"}
    return arm.model_copy(update={**names, "arguments": arguments})


def named(at: Setting, arm: Arm) -> Arm:
    """The arm with the digests of the files that draw its tasks, where those are not built in."""
    known = brought_tasks(at.subject)
    used = (str(arm.arguments.get(name, "")) for name in ("task", "search_task"))
    digests: dict[str, JsonValue] = {t: known[t].digest for t in used if t in known}
    arguments = {name: given for name, given in arm.arguments.items() if name != "own_tasks"}
    if digests:
        arguments["own_tasks"] = digests
    return arm.model_copy(update={"arguments": arguments})


def on(at: Setting, arm: Arm, task: str) -> Arm:
    """The same architecture trained on another task of the subject."""
    known = str(arm.arguments["task"])
    name = arm.name.removesuffix(_suffix(known))
    label = arm.label.removesuffix(f" on {_small(at, known)}")
    if task != at.subject.primary:
        name, label = name + _suffix(task), f"{label} on {_small(at, task)}"
    moved = {**arm.arguments, "task": task}
    return named(at, arm.model_copy(update={"name": name, "label": label, "arguments": moved}))


def attention(at: Setting, task: str = "") -> Arm:
    """Softmax attention behind short convolutions."""
    body = attention_body(at)
    return trained(at, "attention-conv", "Attention with convolution", body, task=task)


def attention_body(at: Setting) -> Architecture:
    """What most arms are compared with."""
    return of(at, layer("softmax_attention"), layer("softmax_attention"))


def compressed(at: Setting, name: str, label: str, **form: JsonValue) -> Arm:
    """Attention with convolution, its weights made smaller once it is trained."""
    arm = attention(at)
    arguments = {**arm.arguments, **form}
    return Arm(
        name=f"attention-conv-{name}",
        label=label,
        tool="compress_architecture",
        arguments=arguments,
    )


def plain_attention(at: Setting) -> Arm:
    """Softmax attention alone."""
    bare = layer("softmax_attention", convolution=0)
    return trained(at, "attention", "Attention alone", of(at, bare, bare))


def ssd_layer(at: Setting, size: int = 0, expansion: float = 0.6875) -> Layer:
    """A single head of state space duality, by default of the size of attention.

    size: of the state a feature has, 0 for the width.
    """
    size = size or width_of(at)
    return layer("state_space_dual", heads=1, size=size, expansion=expansion)


def ssd(at: Setting, task: str = "") -> Arm:
    """State space duality behind short convolutions, as in Mamba."""
    body = of(at, ssd_layer(at), ssd_layer(at))
    return trained(at, "ssd", "SSD", body, task=task)


def hybrid(at: Setting, task: str = "") -> Arm:
    """Attention, then state space duality: the other order learns recall on some seeds only."""
    body = of(at, layer("softmax_attention"), ssd_layer(at))
    return trained(at, "hybrid", "Attention then SSD", body, task=task)


def linear(at: Setting, task: str = "") -> Arm:
    """Linear attention behind short convolutions."""
    one = layer("linear_attention")
    label = "Linear attention with convolution"
    return trained(at, "linear-conv", label, of(at, one, one), task=task)


def plain_linear(at: Setting, task: str = "") -> Arm:
    """Linear attention alone."""
    bare = layer("linear_attention", convolution=0)
    return trained(at, "linear", "Linear attention alone", of(at, bare, bare), task=task)


def delta_net(at: Setting) -> Arm:
    """The delta rule behind short convolutions."""
    one = layer("delta_net", heads=2)
    return trained(at, "delta-net", "DeltaNet", of(at, one, one))


def equal_linear(at: Setting) -> Arm:
    """Linear attention with as large a state as DeltaNet."""
    one = layer("linear_attention", heads=2)
    label = "Linear attention with larger heads"
    return trained(at, "linear-conv-large-heads", label, of(at, one, one))


def wide_delta_net(at: Setting) -> Arm:
    """The delta rule with half as many more key features: the size of rules with a gate."""
    one = layer("delta_net", heads=2, keys=3 * width_of(at) // 4)
    return trained(at, "delta-net-wide-keys", "DeltaNet with wider keys", of(at, one, one))


def mixed_attention(at: Setting) -> Arm:
    """Softmax attention with a channel mixer in each layer."""
    body = mixed_attention_body(at)
    return trained(at, "attention-glu", "Attention with convolution and SwiGLU", body)


def mixed_attention_body(at: Setting) -> Architecture:
    """What topologies are compared with: both kinds of mixers in distinct layers."""
    one = layer("softmax_attention", channel=glu())
    return of(at, one, one)


def library(at: Setting, name: str, label: str, family: str, **more: JsonValue) -> Arm:
    """A family of transformers, built by that library at the width of the run: a row of reference.

    more: other fields, such as its settings.
    """
    body = {"family": family, "width": width_of(at), "depth": 2, "heads": HEADS, **more}
    return trained(at, name, label, Foreign.model_validate(body))


def library_takes(task: str) -> bool:
    """Whether models of transformers can be trained on the task: each position answers."""
    return find_sequence_task(task).readout == "each"


def of_library(arm: Arm) -> bool:
    """Whether the arm is a model of transformers."""
    body = arm.arguments.get("architecture")
    return isinstance(body, dict) and "family" in body


def pairs(at: Setting) -> int:
    """Pairs of key and value in a sequence of the primary task, 0 where it has none."""
    task = find_sequence_task(at.subject.primary)
    return int(task.sizes[size_of(at)].extra.get("pairs", 0))


def _small(at: Setting, task: str) -> str:
    """The task's name within a sentence."""
    label = next(card.label for card in at.subject.cards if card.name == task)
    return label[0].lower() + label[1:]


def _suffix(task: str) -> str:
    return f"-on-{task.replace('_', '-')}"
