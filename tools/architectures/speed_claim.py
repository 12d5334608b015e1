"""Whether one way of writing is faster than another: only at matched quality."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import BadInput
from tools.architectures.ngram_judge import NGramJudge
from tools.architectures.speed import Pace
from tools.architectures.texture import degenerate, texture

TOLERANCE_BITS = 0.1


@dataclass(frozen=True)
class Quality:
    """Of text that was written. judged_bits: per token by the judge; real_bits: of real text.

    problems: where the text is degenerate; a low figure of the judge's then means nothing.
    text_bits: of real text under the model's own exact likelihood, None where it has none.
    single_bits: entropy of a token of real text by itself; who needs more has learned nothing.
    """

    judged_bits: float
    real_bits: float
    problems: tuple[str, ...]
    text_bits: float | None = None
    single_bits: float = math.inf


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
    single = texture(real[None]).unigram_bits
    return Quality(judge.bits(rows, given), judge.bits(whole, given), problems, single_bits=single)


def mismatch(
    fast: Quality, slow: Quality, tolerance_bits: float = TOLERANCE_BITS
) -> tuple[str, ...]:
    """Why the fast one's quality is not the slow one's, one sentence each; nothing when it is.

    Where both have an exact likelihood that decides, else what the judge says of their texts. A
    baseline that knows no more than how often a token occurs is no measure of anything.
    """
    against = [f"degenerate text: {problem}" for problem in fast.problems]
    against += [f"degenerate baseline: {problem}" for problem in slow.problems]
    mine, theirs = fast.judged_bits, slow.judged_bits
    said = "the judge needs {:.2f} bits per token more for it"
    if fast.text_bits is not None and slow.text_bits is not None:
        mine, theirs = fast.text_bits, slow.text_bits
        said = "unseen text costs it {:.2f} bits per token more"
    if not (math.isfinite(theirs) and (slow.text_bits or 0.0) < slow.single_bits):
        against.append("the baseline knows no more than how often a token occurs")
    elif not mine - theirs <= tolerance_bits:
        against.append(said.format(mine - theirs))
    return tuple(against)


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
    against = [*mismatch(fast_quality, slow_quality, tolerance_bits)]
    against += [
        f"at batch {batch} it is {ratio:.2f} times as fast"
        for batch, ratio in ratios.items()
        if ratio <= 1
    ]
    return SpeedClaim(ratios, tuple(against))
