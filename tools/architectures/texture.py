"""Whether written text repeats itself: entropies and shares of distinct n-grams, against real text.

Text from a sampler that falls into a loop is likely under any model, so that a judge's bits praise
it and its speed means nothing. This guard asks for as much variety as equally long real text has.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import BadInput

REAL_SETS = 64
SLACK = 0.85
"""A statistic below this share of the least that real text shows is degenerate."""
Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Texture:
    """unigram_bits: entropy of a token; bigram_bits: of a token after the one before it.

    distinct_n: distinct n-grams over all n-grams.
    """

    unigram_bits: float
    bigram_bits: float
    distinct_1: float
    distinct_2: float
    distinct_3: float


def texture(rows: Tokens) -> Texture:
    """Of a set of texts together, n-grams within each. rows: (B, L), L at least 3."""
    singles, pairs, triples = (_grams(rows, n) for n in (1, 2, 3))
    before = _grams(rows[:, :-1], 1)
    return Texture(
        unigram_bits=_entropy(singles),
        bigram_bits=_entropy(pairs) - _entropy(before),
        distinct_1=_distinct(singles),
        distinct_2=_distinct(pairs),
        distinct_3=_distinct(triples),
    )


def degenerate(rows: Tokens, real: Tokens) -> list[str]:
    """One sentence for each statistic that lies below what real text of this shape shows.

    rows: (B, L), without prompts, which should have been spread over a text as the real windows
    are: one page of tables has less variety than many places. real: (N,), a text that nothing was
    trained on. Raises BadInput when it is shorter than one row.
    """
    found = asdict(texture(rows))
    usual = [asdict(texture(each)) for each in _pieces(real, *rows.shape)]
    problems = []
    for name, value in found.items():
        least = min(each[name] for each in usual)
        if value < SLACK * least:
            problems.append(f"{name} is {value:.3f}, real text shows at least {least:.3f}")
    return problems


def _pieces(real: Tokens, count: int, length: int) -> list[Tokens]:
    """Sets of `count` windows, each spread over the whole text."""
    room = len(real) - length
    if room < 0 or length < 3:
        raise BadInput(
            f"{len(real)} real tokens against rows of {length}",
            "give a longer real text, and rows of 3 tokens or more",
        )
    starts = np.linspace(0, room, count * REAL_SETS).astype(np.int64).reshape(count, REAL_SETS)
    return [real[starts[:, k, None] + np.arange(length)] for k in range(REAL_SETS)]


def _grams(rows: Tokens, n: int) -> NDArray[np.int64]:
    """How often each distinct n-gram occurs."""
    windows = np.lib.stride_tricks.sliding_window_view(rows, n, axis=1)
    codes = windows @ (int(rows.max()) + 1) ** np.arange(n, dtype=np.int64)
    counts: NDArray[np.int64] = np.unique(codes, return_counts=True)[1]
    return counts


def _entropy(counts: NDArray[np.int64]) -> float:
    share = counts / counts.sum()
    return float((share * np.log2(1 / share)).sum())


def _distinct(counts: NDArray[np.int64]) -> float:
    return len(counts) / int(counts.sum())
