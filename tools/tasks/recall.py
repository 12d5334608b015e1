"""Pairs of a key and a value in one sequence, where a key that comes back has its first value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.sequence import NOT_ASKED, Batch, Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def first_seen(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of (N, P) keys, the place in its row where that key stands first."""
    import numpy as np

    order = np.argsort(keys, axis=1, kind="stable")
    ranked = np.take_along_axis(keys, order, 1)
    new = np.ones(keys.shape, dtype=bool)
    new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    start = np.maximum.accumulate(np.where(new, np.arange(keys.shape[1]), 0), axis=1)
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.take_along_axis(order, start, 1), 1)
    return found


def all_next(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """Targets (N, T) that ask for every next token; after the last one nothing is asked."""
    import numpy as np

    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, :-1] = tokens[:, 1:]
    return targets


def paired(draw: np.random.Generator, count: int, size: Size, training: bool) -> Batch:
    """Keys and values of one token each; the last key has been seen before.

    Keys are 0 .. n/2 - 1, values n/2 .. n - 1, noise n and above, where n is the vocabulary without
    `extra["noise_vocabulary"]`. A pair is noise with probability `extra["noise"]`; one place chosen
    at random and the last are not. training: ask all next tokens, else the values of repeated keys.
    """
    import numpy as np

    noise_words = int(size.extra.get("noise_vocabulary", 0))
    options = size.vocabulary - noise_words
    half, pairs = options // 2, size.length // 2
    if size.length % 2 or pairs < 2 or half < 1:
        raise BadInput(
            f"recall: length {size.length}, vocabulary {size.vocabulary}",
            "use an even length of 4 or more, and two tokens beside the noise",
        )
    noise = draw.random((count, pairs)) < size.extra.get("noise", 0.0)
    noise[np.arange(count), draw.integers(0, pairs - 1, count)] = False
    noise[:, -1] = False
    keys = draw.integers(0, half, (count, pairs))
    keys[:, -1] = _one_of(draw, keys[:, :-1], ~noise[:, :-1], half)
    first = first_seen(np.where(noise, -1 - np.arange(pairs), keys))
    values = np.take_along_axis(draw.integers(half, options, (count, pairs)), first, 1)
    tokens = np.stack((keys, values), 2)
    if noise_words:
        junk = draw.integers(options, size.vocabulary, tokens.shape)
        tokens = np.where(noise[:, :, None], junk, tokens)
    tokens = tokens.reshape(count, size.length)
    if training:
        return Batch(tokens, all_next(tokens))
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, ::2] = np.where(first != np.arange(pairs), values, NOT_ASKED)
    return Batch(tokens, targets)


def _one_of(
    draw: np.random.Generator, keys: NDArray[np.int64], shown: NDArray[np.bool_], options: int
) -> NDArray[np.int64]:
    """One of the distinct keys that each row shows, all equally likely: (N,)."""
    import numpy as np

    weight = np.zeros((len(keys), options + 1))
    np.put_along_axis(weight, np.where(shown, keys, options), 1.0, 1)
    weight = weight[:, :options] * (1.0 + draw.random((len(keys), options)))
    found: NDArray[np.int64] = weight.argmax(1)
    return found
