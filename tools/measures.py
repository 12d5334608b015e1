"""Values that a trial may report besides its predictions: the only names that become evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Better: TypeAlias = Literal["higher", "lower", "neither"]
MeasureUnit: TypeAlias = Literal["fraction", "nats", "bits", "s", "bytes", "count", "number"]
MOST = 1e24
"""No measure is larger."""


@dataclass(frozen=True)
class Measure:
    """What a name means. It is counted or timed within the trial, once for each.

    tested: whether a hypothesis may be about it; raw speeds may not, for they say nothing without
    the quality that they were reached at.
    """

    unit: MeasureUnit
    better: Better
    description: str
    tested: bool = True

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
    "forward_bytes": Measure(
        "bytes", "lower", "memory of a forward pass over one sequence, besides the weights"
    ),
    "training_bytes": Measure("bytes", "lower", "the same with the backward pass, gradients too"),
    "training_flops": Measure(
        "number", "neither", "operations of the training that was kept, with its teachers' answers"
    ),
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
    "teachers": Measure("count", "neither", "models whose answers taught the kept one"),
    "teacher_training_flops": Measure(
        "number", "neither", "operations of the teachers' own trainings that were kept"
    ),
    "teacher_training_s": Measure("s", "lower", "processor time of those trainings"),
    "teacher_dev_accuracy": Measure(
        "fraction", "higher", "mean of the teachers, each on the dev items of its own domain"
    ),
    "train_loss": Measure("nats", "lower", "mean training loss of the last steps"),
    "dev_accuracy": Measure("fraction", "higher", "accuracy on the dev items that chose the rate"),
    "dev_loss": Measure("nats", "lower", "cross-entropy on the dev items that chose the rate"),
    "weight_bytes": Measure("bytes", "lower", "all tensors that are kept of the model"),
    "speedup_batch_1": Measure(
        "number",
        "higher",
        "decoding speed over the baseline's, a sequence at a time; 0 where quality is not matched",
    ),
    "speedup_batch_16": Measure(
        "number",
        "higher",
        "decoding speed over the baseline's, 16 sequences at once; 0 where quality is not matched",
    ),
    "quality_matched": Measure(
        "fraction", "higher", "1 when the text is as good as the baseline's and not degenerate"
    ),
    "degenerate": Measure("fraction", "lower", "1 when the text repeats itself, else 0"),
    "text_bits": Measure(
        "bits", "lower", "what unseen text costs the model for each token, or a bound of it"
    ),
    "judged_bits": Measure(
        "bits", "lower", "what a judge needs for each token that the model wrote"
    ),
    "baseline_text_bits": Measure("bits", "neither", "text_bits of the baseline", tested=False),
    "baseline_judged_bits": Measure("bits", "neither", "judged_bits of the baseline", tested=False),
    "decode_ratio_batch_1": Measure(
        "number", "neither", "speedup_batch_1 whatever the quality", tested=False
    ),
    "decode_ratio_batch_16": Measure(
        "number", "neither", "speedup_batch_16 whatever the quality", tested=False
    ),
    "prefill_ratio_batch_1": Measure(
        "number", "neither", "speed of taking a prompt in over the baseline's", tested=False
    ),
    "prefill_ratio_batch_16": Measure(
        "number", "neither", "the same for 16 prompts at once", tested=False
    ),
    "decode_tokens_per_s_batch_1": Measure(
        "number", "neither", "tokens written in a second, a sequence at a time", tested=False
    ),
    "decode_tokens_per_s_batch_16": Measure(
        "number", "neither", "tokens written in a second, 16 sequences at once", tested=False
    ),
    "decode_s_per_token_batch_1": Measure(
        "s", "lower", "time for a token, a sequence at a time", tested=False
    ),
    "decode_s_per_token_batch_16": Measure(
        "s", "lower", "time for a token of each of 16 sequences at once", tested=False
    ),
    "cache_bytes_per_token": Measure(
        "number", "lower", "bytes that decoding keeps, for each token that it remembers"
    ),
    "baseline_cache_bytes_per_token": Measure(
        "number", "neither", "cache_bytes_per_token of the baseline", tested=False
    ),
    "timing_spread": Measure(
        "number", "neither", "slowest over fastest of the repeated timings", tested=False
    ),
}


def wrong_measure(name: str, value: float) -> str:
    """One sentence for a value that cannot be evidence, empty for one that can."""
    if name not in MEASURES:
        return f"{name[:40]!r} is not one of the known measures"
    wrong = MEASURES[name].wrong(value)
    return f"{name} {wrong}" if wrong else ""
