"""What earlier runs answered, as a mind looks it up."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.records import MemoryLine
from tools.experiment import Arm, PairedTest

Recall = Callable[[tuple[Arm, ...], PairedTest], MemoryLine | None]
"""What an earlier run answered about this comparison, if any did; whoever asks cites it."""


def forget(arms: tuple[Arm, ...], test: PairedTest) -> None:
    """Recall nothing."""
