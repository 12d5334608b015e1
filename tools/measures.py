"""Values that a trial may report besides its predictions: the only names that become evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Better: TypeAlias = Literal["higher", "lower", "neither"]
MeasureUnit: TypeAlias = Literal["fraction", "nats", "s", "bytes", "count", "number"]
MOST = 1e24
"""No measure is larger."""


@dataclass(frozen=True)
class Measure:
    """What a name means. It is counted or timed within the trial, once for each."""

    unit: MeasureUnit
    better: Better
    description: str

    def wrong(self, value: float) -> str:
        """Why no such quantity has this value; empty when it may have it."""
        if not 0 <= value <= MOST:
            return "is negative or too large"
        if self.unit == "fraction" and value > 1:
            return "is no fraction"
        if self.unit in ("count", "bytes") and value != int(value):
            return "is not whole"
        return ""


MEASURES: Mapping[str, Measure] = {
    "parameters": Measure("count", "lower", "trained numbers, shared ones counted once"),
    "active_parameters": Measure(
        "count", "lower", "numbers without the experts that a token does not go through"
    ),
    "state_floats": Measure(
        "count", "lower", "numbers that decoding keeps for one sequence of the task's length"
    ),
    "state_bytes": Measure(
        "bytes", "lower", "bytes that decoding keeps for one sequence of the task's length"
    ),
    "flops_per_token": Measure(
        "count", "lower", "operations of a forward pass per token: matrix products, convolutions"
    ),
    "training_flops_per_token": Measure(
        "count", "lower", "the same for a forward and a backward pass"
    ),
    "training_flops": Measure("number", "neither", "operations of the training that was kept"),
    "training_steps": Measure("count", "neither", "gradient steps of the training that was kept"),
    "training_tokens": Measure("count", "neither", "tokens that the kept training read"),
    "training_s": Measure("s", "lower", "processor time of the training that was kept"),
    "learning_rate": Measure("number", "neither", "peak rate of the training that was kept"),
    "rates_tried": Measure("count", "neither", "learning rates from which dev items chose"),
    "rates_diverged": Measure("count", "lower", "learning rates at which training diverged"),
    "diverged": Measure("fraction", "lower", "1 when the kept training diverged, else 0"),
    "plateau_steps": Measure(
        "count", "neither", "longest stretch of steps in which the training loss stood still"
    ),
    "train_loss": Measure("nats", "lower", "mean training loss of the last steps"),
    "dev_accuracy": Measure("fraction", "higher", "accuracy on the dev items that chose the rate"),
    "dev_loss": Measure("nats", "lower", "cross-entropy on the dev items that chose the rate"),
}


def wrong_measure(name: str, value: float) -> str:
    """One sentence for a value that cannot be evidence, empty for one that can."""
    if name not in MEASURES:
        return f"{name[:40]!r} is not one of the known measures"
    wrong = MEASURES[name].wrong(value)
    return f"{name} {wrong}" if wrong else ""
