"""How much memory a computation needs: the tensors that are alive at its fullest moment."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_bytes(run: Callable[[], object], held: Iterable[Tensor] = ()) -> int:
    """Most bytes of tensors made by `run` that are alive at once, the same on every device.

    held: tensors that were there before, which do not count, whatever views are made of them. What
    an operation needs within itself is not seen.
    """
    watch, collects = _Watch(held), gc.isenabled()
    gc.disable()  # when it runs depends on what ran before, and the peak would with it
    try:
        with watch:
            run()
    finally:
        if collects:
            gc.enable()
    return watch.peak


def pass_bytes(model: nn.Module, tokens: Tensor, *, backward: bool) -> int:
    """Most bytes alive at once in a pass over tokens (B, T), besides weights and input.

    backward: with the backward pass, whose gradients count and are let go of.
    """
    held = [*model.parameters(), *model.buffers(), tokens]

    def run() -> None:
        with torch.set_grad_enabled(backward):
            logits = model(tokens)
        if backward:
            logits.sum().backward()

    peak = peak_bytes(run, held)
    model.zero_grad()
    return peak


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the storage behind every operation's outputs for as long as it lives."""

    def __init__(self, held: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._held = {tensor.untyped_storage()._cdata for tensor in held}
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self,
        function: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor) and tensor.layout == torch.strided:
                storage = tensor.untyped_storage()
                if storage._cdata not in self._held:
                    watched = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                    self._alive[storage._cdata] = (watched, storage.nbytes())
        self._alive = {
            key: (watched, size)
            for key, (watched, size) in self._alive.items()
            if not watched.expired()  # type: ignore[no-untyped-call]
        }
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))
        return made
