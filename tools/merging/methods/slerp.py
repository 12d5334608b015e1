"""Spherical interpolation of two models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.merging.method import Parents, merge_method

if TYPE_CHECKING:
    from torch import Tensor

NEARLY_PARALLEL = 0.9995


@merge_method("slerp", source="Shoemake 1985", symmetric=False, normalised=True, most_models=2)
def slerp(parents: Parents, t: float = 0.5) -> Tensor:
    """Walk the arc from the first model to the second, tensor by tensor.

    t in [0, 1], 0 gives the first. Nearly parallel tensors fall back to a line. Weights are not
    used. Source: Shoemake 1985, "Animating rotation with quaternion curves".
    """
    if len(parents.models) != 2:
        raise BadInput(f"slerp merges exactly two models, not {len(parents.models)}")
    a, b = parents.models
    norms = a.norm().clamp_min(1e-8), b.norm().clamp_min(1e-8)
    cosine = float(((a / norms[0]) * (b / norms[1])).sum())
    if abs(cosine) > NEARLY_PARALLEL:
        return a + t * (b - a)
    import math

    angle = math.acos(cosine)
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)
