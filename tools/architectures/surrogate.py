"""A quick guess of how well an architecture will do, learned from those already tried.

Bayesian linear regression on the parts of the grammar. Its weights are drawn anew for every ranking
(Thompson sampling), so parts that were seldom tried are not given up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.moves import TOPOLOGY

NOISE, PRIOR = 0.5, 1.0
"""Standard deviations of an outcome and of a weight, where outcomes are scaled to one."""


def ranked(
    tried: Sequence[tuple[Architecture, float]],
    children: Sequence[Architecture],
    draw: np.random.Generator,
) -> list[Architecture]:
    """The children, the most promising first under one draw of the weights.

    tried: with their fitness, higher is better.
    """
    seen, asked = ([features(one) for one in some] for some in ([t for t, _ in tried], children))
    names = sorted({name for found in (*seen, *asked) for name in found})
    outcome = np.array([fitness for _, fitness in tried])
    spread = float(outcome.std()) or 1.0
    weights = _draw(_matrix(seen, names), (outcome - outcome.mean()) / spread, draw)
    worth = _matrix(asked, names) @ weights
    return [children[i] for i in np.argsort(-worth, kind="stable")]


def features(architecture: Architecture) -> dict[str, float]:
    """Parts of the grammar, by name: shares of the layers that have them, and the topology."""
    found: dict[str, float] = {"always": 1.0, "layers": len(architecture.layers) / 4}
    share = 1 / len(architecture.layers)
    for place, layer in enumerate(architecture.layers):
        for part in _parts(layer):
            found[part] = found.get(part, 0.0) + share
            if place == 0:
                found[f"first {part}"] = 1.0
    for name in TOPOLOGY:
        found[f"{name} {getattr(architecture, name)}"] = 1.0
    return found


def _parts(layer: Layer) -> list[str]:
    mixer = _name(layer.mixer)
    found = [mixer, f"channel {_name(layer.channel)}"]
    return [*found, "convolved", f"convolved {mixer}"] if layer.convolution else found


def _name(choice: Choice | None) -> str:
    return "none" if choice is None else choice.block


def _matrix(found: Sequence[Mapping[str, float]], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[one.get(name, 0.0) for name in names] for one in found])


def _draw(
    inputs: NDArray[np.float64], outcome: NDArray[np.float64], draw: np.random.Generator
) -> NDArray[np.float64]:
    """Weights from their posterior. Source: Bishop 2006, section 3.3."""
    precision = np.eye(inputs.shape[1]) / PRIOR**2 + inputs.T @ inputs / NOISE**2
    factor = np.linalg.cholesky(precision)
    mean = np.linalg.solve(precision, inputs.T @ outcome / NOISE**2)
    return np.asarray(mean + np.linalg.solve(factor.T, draw.standard_normal(len(mean))), np.float64)
