"""Models that are taught one text, and what each knows of a part of it that none has seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import nn

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.decode import Sampling
from tools.architectures.new_backbone import drawn
from tools.architectures.objective import Aim, Objective
from tools.architectures.predict import Fit
from tools.architectures.race import Entrant
from tools.architectures.speed import Contender
from tools.architectures.sweep import Sweep, sweep
from tools.architectures.train import Course
from tools.tasks.sequence import NOT_ASKED, Batch, SequenceTask, Size


@dataclass(frozen=True)
class Text:
    """A text in regions. train, dev: windows with their next tokens.

    windows: (N, T) of the test region. known, unseen: all of the training and of the test region.
    """

    size: Size
    seed: int
    train: Batch
    dev: Batch
    windows: NDArray[np.int64]
    known: NDArray[np.int64]
    unseen: NDArray[np.int64]

    @classmethod
    def of(cls, task: SequenceTask, size: Size, seed: int, windows: NDArray[np.int64]) -> Text:
        """The task's. Raises BadInput for a task that is not cut from a text."""
        if task.whole is None:
            raise BadInput(
                f"{task.name} is no text, so nothing can be written", "name a task of texts: text"
            )
        train, dev = (task.data(part, seed, size) for part in ("train", "dev"))
        known, unseen = task.whole("train", size), task.whole("test", size)
        return cls(size, seed, train, dev, windows, known, unseen)


@dataclass(frozen=True)
class Writer:
    """A model with its aim. exact: whether the aim tells its likelihood, and not a bound of it."""

    aim: Aim
    exact: bool
    found: Sweep

    @property
    def model(self) -> nn.Module:
        """That of the rate which dev chose."""
        return self.found.best.trained.model

    def entrant(self, text: Text, how: Sampling, model: nn.Module | None = None) -> Entrant:
        """It, ready to race. model: one made of its own, such as with smaller weights."""
        model = model or self.model
        needed = bits(self.aim, model, without_last(text.windows), text.seed)
        return Entrant(Contender("", self.aim, model, how), needed, self.exact)


def taught(
    text: Text,
    candidate: Architecture,
    objective: Objective,
    parameters: Mapping[str, JsonValue],
    rates: Sequence[float],
    one: Course,
) -> Writer:
    """Train a new model at each rate, keep the one whose bits on dev are fewest.

    parameters: of the objective. one: the course but for its rate. Raises BadInput when such an aim
    cannot teach the candidate.
    """
    aim, size = objective.make(parameters), text.size
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def made() -> nn.Module:
        return aim.model(candidate, size.vocabulary, size.classes)

    def new() -> nn.Module:
        return drawn(made, text.seed).to(device)

    def examine(model: nn.Module, dev: Batch) -> Fit:
        found = bits(aim, model, dev, text.seed) * math.log(2)
        return Fit(0.0, found if math.isfinite(found) else math.inf)

    found = sweep(new, rates, one, text.train, text.dev, text.seed, aim.loss, examine)
    return Writer(aim, objective.likelihood == "exact", found)


@torch.no_grad()
def bits(aim: Aim, model: nn.Module, batch: Batch, seed: int) -> float:
    """Of the batch's text, per token. seed: of the noise of an aim that hides tokens."""
    device = next(model.parameters()).device
    draw = torch.Generator(device).manual_seed(seed)
    tokens, targets = (torch.from_numpy(part).to(device) for part in (batch.tokens, batch.targets))
    return float(aim.bits(model, tokens, targets, draw))


def without_last(windows: NDArray[np.int64]) -> Batch:
    """Windows (N, T) with their own next tokens; what follows the last is not asked."""
    targets = np.full_like(windows, NOT_ASKED)
    targets[:, :-1] = windows[:, 1:]
    return Batch(windows, targets)
