"""Whether one way of writing is faster than another: only at matched quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import BadInput
from tools.architectures.ngram_judge import NGramJudge
from tools.architectures.speed import Pace
from tools.architectures.texture import degenerate

TOLERANCE_BITS = 0.1


@dataclass(frozen=True)
class Quality:
    """Of text that was written. judged_bits: per token by the judge; real_bits: of real text.

    problems: where the text is degenerate; a low figure of the judge's then means nothing.
    """

    judged_bits: float
    real_bits: float
    problems: tuple[str, ...]


@dataclass(frozen=True)
class SpeedClaim:
    """ratios: decode speed of the fast over the slow, by batch. against: why it may not be made."""

    ratios: dict[int, float]
    against: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether quality is matched and the fast one is faster at every batch."""
        return not self.against


def quality(
    rows: NDArray[np.int64], given: int, real: NDArray[np.int64], judge: NGramJudge
) -> Quality:
    """Of rows (B, P + L) whose first `given` tokens were the prompt. real: (N,), unseen text."""
    whole = real[: len(real) // rows.shape[1] * rows.shape[1]].reshape(-1, rows.shape[1])
    problems = tuple(degenerate(rows[:, given:], real))
    return Quality(judge.bits(rows, given), judge.bits(whole, given), problems)


def speed_claim(
    fast: Sequence[Pace],
    slow: Sequence[Pace],
    fast_quality: Quality,
    slow_quality: Quality,
    tolerance_bits: float = TOLERANCE_BITS,
) -> SpeedClaim:
    """Compare two contenders at the same context, by batch. Raises BadInput for unlike tables."""
    before = {(pace.batch, pace.context, pace.written): pace for pace in slow}
    if {(p.batch, p.context, p.written) for p in fast} != before.keys() or len(fast) < 2:
        raise BadInput(
            "the two were not measured alike", "use the same contexts and at least two batches"
        )
    ratios = {
        pace.batch: pace.decode_tokens_per_s
        / before[pace.batch, pace.context, pace.written].decode_tokens_per_s
        for pace in fast
    }
    against = [f"degenerate text: {problem}" for problem in fast_quality.problems]
    against += [f"degenerate baseline: {problem}" for problem in slow_quality.problems]
    worse = fast_quality.judged_bits - slow_quality.judged_bits
    if worse > tolerance_bits:
        against.append(f"the judge needs {worse:.2f} bits per token more for it")
    against += [
        f"at batch {batch} it is {ratio:.2f} times as fast"
        for batch, ratio in ratios.items()
        if ratio <= 1
    ]
    return SpeedClaim(ratios, tuple(against))
