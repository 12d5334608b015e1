"""A judge of text that is none of the contenders: an n-gram model with interpolated back-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import BadInput

Tokens = NDArray[np.int64]
LARGEST = 2**62


@dataclass(frozen=True)
class _Order:
    """grams: sorted codes with their counts. contexts: sorted codes, totals, distinct followers."""

    grams: Tokens
    counts: Tokens
    contexts: Tokens
    totals: Tokens
    followers: Tokens


class NGramJudge:
    """Witten-Bell interpolation of all orders down to a uniform guess (Witten & Bell 1991)."""

    def __init__(self, text: Tokens, vocabulary: int, order: int = 6) -> None:
        """text: (N,) tokens below `vocabulary`. Raises BadInput when codes would not fit."""
        if vocabulary**order >= LARGEST or len(text) < order:
            raise BadInput(
                f"order {order} over {vocabulary} tokens and a text of {len(text)}",
                "use a lower order",
            )
        self.vocabulary = vocabulary
        self._orders = [self._count(text, n) for n in range(1, order + 1)]

    def bits(self, rows: Tokens, given: int = 0) -> float:
        """Bits per token after the first `given` of each row, averaged. rows: (B, L)."""
        chance = np.full(rows.shape, 1 / self.vocabulary)
        for n, order in enumerate(self._orders, 1):
            if rows.shape[1] >= n:
                codes = self._codes(rows, n)
                chance[:, n - 1 :] = _mixed(order, codes, self.vocabulary, chance[:, n - 1 :])
        return float(-np.log2(chance[:, given:]).mean())

    def _codes(self, rows: Tokens, n: int) -> Tokens:
        """Each n-gram as one number, its last token in the lowest place."""
        windows = np.lib.stride_tricks.sliding_window_view(rows, n, axis=-1)
        places = self.vocabulary ** np.arange(n - 1, -1, -1, dtype=np.int64)
        codes: Tokens = windows @ places
        return codes

    def _count(self, text: Tokens, n: int) -> _Order:
        grams, counts = np.unique(self._codes(text, n), return_counts=True)
        contexts, begins = np.unique(grams // self.vocabulary, return_index=True)
        totals = np.add.reduceat(counts, begins)
        followers = np.diff(np.append(begins, len(grams)))
        return _Order(grams, counts, contexts, totals, followers)


def _mixed(
    order: _Order, codes: Tokens, vocabulary: int, lower: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(count + followers x lower) / (total + followers), or `lower` after an unseen context."""
    count = _looked_up(order.grams, order.counts, codes)
    total = _looked_up(order.contexts, order.totals, codes // vocabulary)
    followers = _looked_up(order.contexts, order.followers, codes // vocabulary)
    known = total > 0
    mixed = (count + followers * lower) / np.where(known, total + followers, 1)
    return np.where(known, mixed, lower)


def _looked_up(keys: Tokens, values: Tokens, wanted: Tokens) -> Tokens:
    """The value of each wanted key, 0 for unknown ones."""
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
