"""How long a training has held its processor."""

from __future__ import annotations

import time

import torch


class TrainingClock:
    """Seconds of CPU time of this process; on CUDA seconds for which the device was held.

    On CUDA the reading is exact only after a synchronisation, such as reading a loss.
    """

    def __init__(self, device: torch.device, spent: float = 0.0) -> None:
        """spent: seconds of an earlier part of the same training."""
        self._read = time.process_time if device.type == "cpu" else time.perf_counter
        self._start = self._read() - spent

    def read(self) -> float:
        """Seconds so far."""
        return self._read() - self._start
