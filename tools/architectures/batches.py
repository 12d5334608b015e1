"""Which sequences a step is trained on: a function of the seed and of the step alone."""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sandbox.errors import BadInput
from tools.merging.train import stream
from tools.tasks.sequence import Batch


class Batches:
    """A split in batches, shuffled anew for every pass. Nothing needs to be kept to go on."""

    def __init__(self, data: Batch, batch: int, seed: int, device: torch.device) -> None:
        """Raises BadInput when there is no sequence."""
        if not len(data):
            raise BadInput("there is nothing to train on", "draw at least one sequence")
        self._data = data
        self._tokens = torch.from_numpy(data.tokens).to(device)
        self._targets = torch.from_numpy(data.targets).to(device)
        self._batch = min(batch, len(data))
        self._seed = seed
        self._device = device
        self._pass = -1
        self._order = torch.empty(0)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all sequences; asked for where a training is kept."""
        whole = self._data.tokens.tobytes() + self._data.targets.tobytes()
        return hashlib.sha256(whole).hexdigest()

    def of(self, step: int) -> tuple[Tensor, Tensor]:
        """Tokens and targets (batch, T); what is left over at the end of a pass is left out."""
        number, place = divmod(step, len(self._tokens) // self._batch)
        if number != self._pass:
            self._pass = number
            draw = np.random.default_rng(stream(self._seed, "training", "order", str(number)))
            order = draw.permutation(len(self._tokens))
            self._order = torch.from_numpy(order).to(self._device)
        rows = self._order[place * self._batch : (place + 1) * self._batch]
        return self._tokens[rows], self._targets[rows]
