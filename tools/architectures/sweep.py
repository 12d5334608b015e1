"""Choose a learning rate on dev items: the same number of trials for every architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import nn

from sandbox.errors import BadInput
from tools.architectures.predict import Fit, fit
from tools.architectures.train import Course, Loss, Trained, asked_cross_entropy, train
from tools.kept import Kept
from tools.tasks.sequence import Batch

LEAST_RATES = 3
Examine = Callable[[nn.Module, Batch], Fit]
Teach = Callable[[nn.Module, Batch, Course, int, Kept | None], Trained]
"""teach(model, data, course, seed, kept): trains in place, as `train` does."""
MOST_KEPT_BYTES = 1 << 30
"""Of the checkpoints of one sweep; larger trainings are not kept."""


@dataclass(frozen=True)
class Attempt:
    """One rate: what came of its training, and how the model does on dev items."""

    rate: float
    trained: Trained
    dev: Fit

    def beats(self, other: Attempt) -> bool:
        """Better on dev; a training that diverged never beats one that did not."""
        if self.trained.diverged != other.trained.diverged:
            return other.trained.diverged
        return self.dev.beats(other.dev)


@dataclass(frozen=True)
class Sweep:
    """Every attempt, in the order of the rates, and the one that is best on dev."""

    attempts: tuple[Attempt, ...]

    @property
    def best(self) -> Attempt:
        """The first of equals."""
        best = self.attempts[0]
        for attempt in self.attempts[1:]:
            best = attempt if attempt.beats(best) else best
        return best


def check_rates(rates: Sequence[float]) -> None:
    """Raise BadInput unless these are one rate, chosen elsewhere, or at least three to choose from.

    With two, an architecture whose best rate lies outside would lose by its rate.
    """
    if len(set(rates)) != len(rates) or min(rates, default=0.0) <= 0:
        raise BadInput("rates are positive, each one once", "such as (1e-3, 3e-3, 1e-2)")
    if 1 < len(rates) < LEAST_RATES:
        raise BadInput(
            f"{len(rates)} learning rates are too few to choose from",
            f"give at least {LEAST_RATES}, or one that was chosen on dev items before",
        )


def sweep(
    new_model: Callable[[], nn.Module],
    rates: Sequence[float],
    course: Course,
    data: Batch,
    dev: Batch,
    seed: int,
    loss: Loss = asked_cross_entropy,
    examine: Examine = fit,
    teach: Teach | None = None,
    kept: Kept | None = None,
) -> Sweep:
    """Train a new model at each rate, alike in everything else; judge it on dev, never on test.

    new_model: makes the same untrained model every time. course: its rate is replaced by each.
    teach: how it is trained, where that is not `train` on the loss. kept: where the trainings are
    kept, each in a file of its own. Raises BadInput for too few rates.
    """
    check_rates(rates)
    attempts = []
    for rate in rates:
        model, one = new_model(), replace(course, rate=rate)
        place = place_of(kept, rate, model, len(rates))
        if teach is not None:
            trained = teach(model, data, one, seed, place)
        else:
            trained = train(model, data, one, seed, loss, place)
        attempts.append(Attempt(rate, trained, examine(trained.model, dev)))
    return Sweep(tuple(attempts))


def place_of(kept: Kept | None, rate: float, model: nn.Module, files: int) -> Kept | None:
    """Where the training at that rate is kept.

    None where so many checkpoints, which hold two moments of each weight, would take too much.
    """
    weights = sum(weight.nbytes for weight in model.parameters())
    small = 3 * weights * files <= MOST_KEPT_BYTES
    return kept.part(f"rate-{rate:g}") if kept is not None and small else None
