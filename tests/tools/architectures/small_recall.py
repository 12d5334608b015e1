"""Multi-query associative recall, small: the loop's own tests need a task that can be learned."""

import numpy as np

from tools.architectures.architecture import Architecture
from tools.tasks.sequence import NOT_ASKED, Batch, SequenceTask, Size

SIZE = Size(vocabulary=64, length=32, train=20_000, dev=500, test=500, extra={"pairs": 8})
TINY = Size(vocabulary=16, length=8, train=256, dev=64, test=64, extra={"pairs": 2})


def draw_recall(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Pairs of key and value, then each key once, at places drawn at random; values are asked."""
    pairs, half = int(size.extra["pairs"]), size.vocabulary // 2
    keys = 1 + draw.random((count, half - 1)).argsort(1)[:, :pairs]
    values = half + draw.integers(half, size=(count, pairs))
    tokens = np.zeros((count, size.length), dtype=np.int64)
    tokens[:, 0 : 2 * pairs : 2], tokens[:, 1 : 2 * pairs : 2] = keys, values
    targets = np.full_like(tokens, NOT_ASKED)
    free = size.length - 2 * pairs
    places = 2 * pairs + draw.random((count, free)).argsort(1)[:, :pairs]
    np.put_along_axis(tokens, places, keys, 1)
    np.put_along_axis(targets, places, values, 1)
    return Batch(tokens, targets)


TASK = SequenceTask(
    name="recall",
    label="recall",
    source="arXiv:2312.04927",
    summary="Which value came after this key?",
    scored="accuracy",
    sizes={"quick": SIZE},
    chance=lambda size: 2 / size.vocabulary,
    draws=draw_recall,
    splits=None,
)


def attention(width: int = 32, layers: int = 2, convolution: int = 3, **more) -> Architecture:
    layer = {"mixer": {"block": "softmax_attention"}, "convolution": convolution}
    return Architecture.model_validate({"width": width, "layers": [layer] * layers, **more})
