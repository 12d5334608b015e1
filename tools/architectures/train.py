"""Train a model on a task: one plain loop, seeded, with a budget of steps or of seconds.

A training that diverges or stands still is a result like any other; `Trained` says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import torch
from pydantic import JsonValue, TypeAdapter
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.batches import Batches
from tools.architectures.optimizers import new_optimizers, set_rate, share_of_peak
from tools.architectures.plateau import Plateau, Point, plateaus, stands_still
from tools.architectures.training_clock import TrainingClock
from tools.architectures.training_state import TrainingState
from tools.kept import Kept
from tools.merging.train import stream
from tools.tasks.sequence import NOT_ASKED, Batch

Loss: TypeAlias = Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]
"""loss(model, tokens (B, T), targets (B, T), draw) -> mean loss in nats, a scalar."""
Ended: TypeAlias = Literal["budget", "plateau", "diverged"]
FAR_FACTOR, FAR_MARGIN = 2.0, 1.0
"""A mean loss above 2 x the first + 1 nat is far above the start."""


@runtime_checkable
class HasAuxiliary(Protocol):
    """A model whose blocks have losses of their own."""

    def auxiliary(self) -> Tensor:
        """Their sum over the last forward pass."""
        ...


@dataclass(frozen=True)
class Course:
    """How a model is trained.

    steps, seconds: the budget, exactly one of them; trainings with a budget of seconds depend on
    the machine. warmup: share of the budget. decay: `cosine` or `linear`. clip: most norm of the
    gradient. patience: steps without progress that end a training, 0 for never, and not before
    `least_steps`. note_every: steps between two points of the curve; divergence, plateaus and
    checkpoints are looked at then. Raises BadInput.
    """

    rate: float
    steps: int = 0
    seconds: float = 0.0
    batch: int = 64
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    warmup: float = 0.1
    decay: str = "cosine"
    clip: float = 1.0
    patience: int = 0
    least_steps: int = 0
    note_every: int = 10

    def __post_init__(self) -> None:
        """Refuse a budget that is none, or two."""
        if (self.steps > 0) == (self.seconds > 0):
            raise BadInput("a training needs one budget", "give steps or seconds, not both")
        if min(self.rate, self.batch, self.note_every, self.clip) <= 0 or not 0 <= self.warmup <= 1:
            raise BadInput(
                "rate, batch, clip and note_every must be positive and warmup a share",
                "see the fields of Course",
            )


@dataclass(frozen=True)
class Trained:
    """What came of a training. seconds: of CPU, or for which the device was held.

    plateaus: of at least `patience` steps, or of a tenth of the training where it is 0.
    """

    model: nn.Module
    course: Course
    curve: tuple[Point, ...]
    ended: Ended
    steps: int
    seconds: float
    plateaus: tuple[Plateau, ...]

    @property
    def diverged(self) -> bool:
        """Whether the loss was no number, or far above the first one."""
        return self.ended == "diverged"

    @property
    def loss(self) -> float:
        """Mean training loss of the last steps, in nats; infinite when it was no number."""
        last = self.curve[-1].loss
        return last if math.isfinite(last) else math.inf


def asked_cross_entropy(
    model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
) -> Tensor:
    """Mean cross-entropy in nats over the asked positions: next token where all are asked."""
    logits = model(tokens)
    return nnf.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NOT_ASKED)


def train(
    model: nn.Module,
    data: Batch,
    course: Course,
    seed: int,
    loss: Loss = asked_cross_entropy,
    kept: Kept | None = None,
) -> Trained:
    """Train the model in place and say how it went.

    kept: a checkpoint from which an interrupted training goes on; on a CPU and with a budget of
    steps it then ends bit by bit as an undisturbed one. Raises BadInput for a checkpoint of another
    training.
    """
    return _Training(model, data, course, seed, loss, kept).run()


@dataclass
class _Progress:
    """What changes from step to step, but for tensors."""

    step: int = 0
    seconds: float = 0.0
    first_loss: float = math.nan
    curve: list[Point] = field(default_factory=list)
    ended: Ended | None = None


_PROGRESS = TypeAdapter(_Progress)


class _Training:
    def __init__(
        self,
        model: nn.Module,
        data: Batch,
        course: Course,
        seed: int,
        loss: Loss,
        kept: Kept | None,
    ) -> None:
        self._model, self._course, self._loss, self._kept = model, course, loss, kept
        self._learned = [p for p in model.parameters() if p.requires_grad]
        self._device = self._learned[0].device
        self._seed = seed
        self._draw = torch.Generator(self._device).manual_seed(stream(seed, "training", "draw"))
        self._batches = Batches(data, course.batch, seed, self._device)
        self._optimizers = new_optimizers(course.optimizer, model, course.rate, course.weight_decay)
        self._at = _Progress()
        self._saved_at = 0.0
        self._clock = TrainingClock(self._device)

    def run(self) -> Trained:
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(stream(self._seed, "training", "modules"))
            state = self._state() if self._kept is not None else None
            if state is not None and state.exists():
                self._resume(state)
            self._model.train()
            self._clock = TrainingClock(self._device, self._at.seconds)
            while self._at.ended is None:
                self._note(self._stretch())
                if state is not None and self._is_due():
                    state.save(json.dumps(asdict(self._at)))
                    self._saved_at = self._at.seconds
        self._model.eval()
        return self._trained()

    def _stretch(self) -> Tensor:
        """Steps up to the next point of the curve, with their losses."""
        losses: list[Tensor] = []
        every, most = self._course.note_every, self._course.steps or math.inf
        while self._at.step < most:
            losses.append(self._step())
            self._at.step += 1
            if self._at.step % every == 0 or self._spent() >= 1.0:
                break
        return torch.stack(losses)

    def _step(self) -> Tensor:
        course = self._course
        set_rate(self._optimizers, share_of_peak(self._done(), course.warmup, course.decay))
        tokens, targets = self._batches.of(self._at.step)
        loss = self._loss(self._model, tokens, targets, self._draw)
        whole = loss + self._model.auxiliary() if isinstance(self._model, HasAuxiliary) else loss
        whole.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._learned, course.clip, foreach=True)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return loss.detach()

    def _done(self) -> float:
        """Share of the budget spent when the step that begins now is over."""
        if self._course.steps:
            return (self._at.step + 1) / self._course.steps
        return min(1.0, max(self._spent(), 1e-3))

    def _spent(self) -> float:
        if self._course.steps:
            return self._at.step / self._course.steps
        return self._clock.read() / self._course.seconds

    def _note(self, losses: Tensor) -> None:
        """Add a point to the curve; see whether the training is over."""
        at, course = self._at, self._course
        if not at.curve:
            at.first_loss = float(losses[0])
        mean = float(losses.double().mean())
        at.seconds = self._clock.read()
        at.curve.append(Point(at.step, mean, at.seconds))
        if not mean <= FAR_FACTOR * at.first_loss + FAR_MARGIN:
            at.ended = "diverged"
        elif self._spent() >= 1.0:
            at.ended = "budget"
        elif course.patience and at.step >= course.least_steps:
            at.ended = "plateau" if stands_still(at.curve, course.patience) else None

    def _is_due(self) -> bool:
        assert self._kept is not None
        since = 0.0 if self._at.ended is not None else self._saved_at
        return self._at.seconds - since >= self._kept.seconds

    def _state(self) -> TrainingState:
        assert self._kept is not None
        name: list[JsonValue] = [asdict(self._course), self._seed, self._batches.digest]
        return TrainingState(self._kept.path, name, self._model, self._optimizers, self._draw)

    def _resume(self, state: TrainingState) -> None:
        self._at = _PROGRESS.validate_python(json.loads(state.load()))
        self._saved_at = self._at.seconds

    def _trained(self) -> Trained:
        at, course = self._at, self._course
        assert at.ended is not None
        least = course.patience or max(1, at.step // 10)
        found = tuple(plateaus(at.curve, least))
        return Trained(self._model, course, tuple(at.curve), at.ended, at.step, at.seconds, found)
