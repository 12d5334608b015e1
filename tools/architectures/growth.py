"""Train a shallow model, up-scale it, train on: two stages at the cost of one training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from sandbox.errors import BadInput
from tools.architectures.backbone import Backbone
from tools.architectures.counts import flops_per_token
from tools.architectures.last_readout import LastReadout
from tools.architectures.train import Course, Loss, Trained, train
from tools.architectures.upscale import Split, Upscaling, split_budget, upscaled
from tools.kept import Kept
from tools.merging.train import stream
from tools.tasks.sequence import Batch


@dataclass(frozen=True)
class Grown:
    """Both stages; the model is that of the second. Steps, seconds and operations add up."""

    shallow: Trained
    deep: Trained
    flops: float

    @property
    def steps(self) -> int:
        """Gradient steps of both stages."""
        return self.shallow.steps + self.deep.steps

    @property
    def seconds(self) -> float:
        """Processor time of both."""
        return self.shallow.seconds + self.deep.seconds


@dataclass(frozen=True)
class Plan:
    """What is done with a shallow model. step_flops: of one step of the shallow, and the deep."""

    upscaling: Upscaling
    split: Split
    step_flops: tuple[float, float]

    @classmethod
    def of(
        cls,
        shallow: nn.Module,
        upscaling: Upscaling,
        steps: int,
        share: float,
        tokens: int,
        length: int,
    ) -> Plan:
        """As many operations as `steps` of the deep model, `share` of them for the shallow one.

        tokens: of a step, in sequences of `length`. Raises BadInput when that leaves no step.
        """
        costs = [
            tokens * flops_per_token(model, length, backward=True)
            for model in (shallow, deepened(shallow, upscaling))
        ]
        split = split_budget(steps, share, *costs)
        return cls(upscaling, split, (costs[0], costs[1]))

    @property
    def sentence(self) -> str:
        """What is spent on what, for people."""
        return (
            f"{self.split.shallow_steps} shallow steps, then {self.split.deep_steps} deep ones: "
            f"{self.split.flops:.4g} operations, {self.split.error:+.2%} of those from scratch"
        )


def grow(
    model: nn.Module,
    plan: Plan,
    data: Batch,
    course: Course,
    seed: int,
    loss: Loss,
    kept: Kept | None = None,
) -> Grown:
    """Both stages, alike but for their steps. The second one's batches come in another order.

    kept: where they are kept, each in a file of its own.
    """
    first, second = (kept.part("shallow"), kept.part("deep")) if kept else (None, None)
    steps = plan.split.shallow_steps
    shallow = train(model, data, replace(course, steps=steps), seed, loss, first)
    deeper = deepened(shallow.model, plan.upscaling)
    again = stream(seed, "upscaling", "continued")
    deep = train(deeper, data, replace(course, steps=plan.split.deep_steps), again, loss, second)
    low, high = plan.step_flops
    return Grown(shallow, deep, shallow.steps * low + deep.steps * high)


def deepened(model: nn.Module, upscaling: Upscaling) -> nn.Module:
    """The same model with a deeper backbone. Raises BadInput for what is no model of blocks."""
    if type(model) is Backbone:
        return upscaled(model, upscaling)
    if isinstance(model, LastReadout):
        with torch.random.fork_rng(devices=[]):
            new = LastReadout(upscaled(model.backbone, upscaling))
        new.hidden.load_state_dict(model.hidden.state_dict())
        new.head.load_state_dict(model.head.state_dict())
        return new.to(model.head.weight.device)
    raise BadInput(
        f"{type(model).__name__} has layers of its own that are not up-scaled",
        "use an objective whose model is a plain backbone, such as next_token",
    )
