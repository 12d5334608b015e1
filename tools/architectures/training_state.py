"""A training on disk, whole: weights, optimizers, generators and how far it is. Safetensors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import JsonValue
from torch import Tensor, nn

from sandbox.errors import BadInput
from sandbox.records import digest_of

if TYPE_CHECKING:
    from torch.optim import Optimizer


class TrainingState:
    """One file that holds everything from which a training goes on."""

    def __init__(
        self,
        path: Path,
        name: JsonValue,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        draw: torch.Generator,
    ) -> None:
        """name: what tells this training from others; a checkpoint of another one is refused."""
        self._path, self._model, self._optimizers = path, model, optimizers
        self._draw = draw
        shapes = {key: list(tensor.shape) for key, tensor in _weights(model).items()}
        self._digest = digest_of([name, shapes])

    def exists(self) -> bool:
        """Whether there is a checkpoint."""
        return self._path.is_file()

    def save(self, progress: str) -> None:
        """Write all of it beside the last checkpoint, then in its place."""
        from safetensors.torch import save_file

        tensors = {f"model.{key}": tensor for key, tensor in _weights(self._model).items()}
        for number, optimizer in enumerate(self._optimizers):
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{number}.{index}.{k}": v for k, v in state.items()}
        tensors |= {f"random.{key}": state for key, state in self._generators().items()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.part")
        whole = {key: tensor.detach().contiguous() for key, tensor in tensors.items()}
        header = {"training": self._digest, "progress": progress}
        save_file(whole, draft, metadata=header)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(self._path)

    def load(self) -> str:
        """Put everything back in its place; the progress as it was saved. Raises BadInput."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self._path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise BadInput(f"{self._path}: is no checkpoint of a training", "remove it") from error
        if header.get("training") != self._digest:
            raise BadInput(
                f"{self._path}: is the checkpoint of another training",
                "give each training a file of its own, or remove the file to start anew",
            )
        self._restore(tensors)
        progress: str = header["progress"]
        return progress

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for key, tensor in _weights(self._model).items():
                tensor.copy_(tensors[f"model.{key}"])
        for number, optimizer in enumerate(self._optimizers):
            whole = optimizer.state_dict()
            state: dict[int, dict[str, Tensor]] = {}
            for key, tensor in tensors.items():
                if key.startswith(f"optimizer.{number}."):
                    index, _, field = key.removeprefix(f"optimizer.{number}.").partition(".")
                    state.setdefault(int(index), {})[field] = tensor
            optimizer.load_state_dict({**whole, "state": state})
        self._draw.set_state(tensors["random.draw"])
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], self._draw.device)

    def _generators(self) -> dict[str, Tensor]:
        found = {"draw": self._draw.get_state(), "cpu": torch.get_rng_state()}
        if self._draw.device.type == "cuda":
            found["cuda"] = torch.cuda.get_rng_state(self._draw.device)
        return found


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, each once, however often they are shared."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}
