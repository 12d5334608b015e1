"""Bring a model that thinks in ticks to a given size: by its number of neurons."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from sandbox.errors import BadInput
from tools.architectures.bracket import bracket
from tools.architectures.matching import (
    TOLERANCE,
    WIDEST,
    Matched,
    Ruler,
    check_target,
    nearest,
)
from tools.architectures.ticks import Ticks


def match_neurons(
    spec: Ticks, ruler: Ruler, target: float, tolerance: float = TOLERANCE
) -> Matched[Ticks]:
    """Change the neurons alone until the quantity is the target's.

    Raises BadInput with the nearest that was reached.
    """
    check_target(target)
    found = nearest(_around(spec, ruler, target), ruler, target)
    if found is None or abs(found.error) > tolerance:
        reached = found.sentence if found is not None else "they make too few pairs"
        raise BadInput(
            f"no number of neurons brings the {spec.thinker} within {tolerance:.0%} of {target:g} "
            f"{ruler.quantity}; nearest: {reached}",
            "choose another target, or change what else it is made of",
        )
    return found


def _around(spec: Ticks, ruler: Ruler, target: float) -> Iterator[Ticks]:
    """The two feasible numbers of neurons next to the target."""

    def reached(neurons: int) -> float:
        made = _with_neurons(spec, neurons)
        return ruler.measure(made) if made is not None else 0.0

    for neurons in bracket(reached, target, WIDEST):
        made = _with_neurons(spec, neurons)
        if made is not None:
            yield made


def _with_neurons(spec: Ticks, neurons: int) -> Ticks | None:
    """The same with that many, None where these make too few pairs."""
    try:
        return Ticks.model_validate({**dict(spec), "neurons": neurons})
    except ValidationError:
        return None
