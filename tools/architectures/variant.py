"""A smaller variant of a trained model beside it: what it weighs, and how much worse it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from tools.architectures.packing import weight_bytes
from tools.architectures.predict import Fit, fit
from tools.tasks.sequence import Batch


@dataclass(frozen=True)
class Effect:
    """Quality on the same items before and after, and bytes of all tensors that are kept."""

    before: Fit
    after: Fit
    bytes_before: int
    bytes_after: int

    @property
    def saved(self) -> float:
        """Share of the bytes that is saved; negative when the variant is larger."""
        return 1 - self.bytes_after / self.bytes_before

    @property
    def accuracy_lost(self) -> float:
        """Accuracy before less that after."""
        return self.before.accuracy - self.after.accuracy

    @property
    def nats_lost(self) -> float:
        """Cross-entropy after less that before."""
        return self.after.cross_entropy - self.before.cross_entropy


def effect(
    model: nn.Module,
    variant: nn.Module,
    items: Batch,
    examine: Callable[[nn.Module, Batch], Fit] = fit,
) -> Effect:
    """Measure both on the same items. examine: as of `tools.architectures.exam.Exam.fit`."""
    return Effect(
        examine(model, items), examine(variant, items), weight_bytes(model), weight_bytes(variant)
    )
