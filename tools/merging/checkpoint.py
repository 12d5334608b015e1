"""A Hugging Face checkpoint on disk: its configuration, the shapes of its tensors, its vocabulary.

Reads safetensors headers itself, so the trusted side can check a model without importing torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sandbox.errors import BadInput, OutputRejected
from sandbox.hostile_tensors import TensorHead, tensor_heads

if TYPE_CHECKING:
    from torch import Tensor

_LAYER = re.compile(r"(?:^|\.)(?:layers|layer|h|blocks|block)\.(\d+)\.(.+)$")
_ATTENTION = {"self_attn", "self_attention", "attn", "attention", "linear_attn"}
_MLP = {"mlp", "feed_forward", "ffn", "block_sparse_moe"}
_CARRIED = ("*.json", "*.model", "*.txt", "*.jinja")


@dataclass(frozen=True)
class TensorEntry:
    """Where a tensor is and what it is. dtype: safetensors' name, such as `BF16`."""

    file: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Checkpoint:
    """An opened folder. `tensors`: name -> entry, in the file's order."""

    folder: Path
    config: dict[str, JsonValue]
    tensors: dict[str, TensorEntry]

    @property
    def architecture(self) -> str:
        """The class name that the config gives, else its model type."""
        named = self.config.get("architectures")
        if isinstance(named, list) and named:
            return str(named[0])
        return str(self.config.get("model_type", "unknown"))

    @property
    def groups(self) -> tuple[str, ...]:
        """Parameter groups of a layer-wise merge, in the model's order; `rest` last."""
        return groups_of(self.tensors)

    def tensor(self, name: str) -> Tensor:
        """Read one tensor. Raises KeyError."""
        from safetensors import safe_open

        with safe_open(self.folder / self.tensors[name].file, framework="pt") as file:
            return file.get_tensor(name)  # type: ignore[no-any-return]

    def carried(self) -> list[Path]:
        """Files beside the tensors that a merged copy keeps: configuration and tokenizer."""
        found = {path for pattern in _CARRIED for path in self.folder.glob(pattern)}
        return sorted(p for p in found if not p.name.endswith(".safetensors.index.json"))


def find_checkpoint(reference: str, near: Path | None = None) -> Checkpoint:
    """Open a folder, else a model of the Hugging Face hub by its id.

    near: where relative paths start. Raises BadInput when it is neither.
    """
    folder = Path(reference).expanduser()
    if near is not None and not folder.is_absolute() and (near / folder).exists():
        folder = near / folder
    if folder.exists():
        return open_checkpoint(folder)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", reference):
        raise BadInput(f"{reference}: no such folder", "give a checkpoint folder or a hub id")
    return open_checkpoint(_download(reference))


def _download(reference: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    name, _, revision = reference.partition("@")
    wanted = ["*.safetensors", *_CARRIED]
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=wanted))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise BadInput(
            f"{reference}: no such folder, and the hub did not give it: {type(error).__name__}",
            "check the path or the hub id and the connection",
        ) from error


def open_checkpoint(folder: Path) -> Checkpoint:
    """Read config and tensor headers. Raises BadInput when it is no safetensors checkpoint."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder", "give the folder of a checkpoint")
    config = _read_config(folder)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BadInput(
            f"{folder}: holds no .safetensors file",
            "save it with transformers' save_pretrained, which writes safetensors",
        )
    tensors: dict[str, TensorEntry] = {}
    for file in files:
        for name, entry in _read_header(file).items():
            tensors[name] = TensorEntry(file.name, entry.dtype, entry.shape)
    return Checkpoint(folder, config, tensors)


def _read_config(folder: Path) -> dict[str, JsonValue]:
    path = folder / "config.json"
    try:
        value: JsonValue = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(
            f"{folder}: holds no config.json", "give a Hugging Face checkpoint folder"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: is not JSON", "restore the model's configuration") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path}: is not a JSON object", "restore the model's configuration")
    return value


def _read_header(file: Path) -> dict[str, TensorHead]:
    """Raises BadInput when it is broken, or says what its bytes do not bear out."""
    try:
        return tensor_heads(file)
    except OutputRejected as error:
        raise BadInput(
            f"{file}: is not a whole safetensors file: {error.what}", "copy or download it again"
        ) from error


def group_of(name: str) -> str:
    """The group of a tensor: `layers.3.attention`, `layers.3.mlp`, or `rest` for all others."""
    found = _LAYER.search(name)
    if found is None:
        return "rest"
    parts = set(found[2].split("."))
    if parts & _ATTENTION:
        return f"layers.{found[1]}.attention"
    return f"layers.{found[1]}.mlp" if parts & _MLP else "rest"


def layer_of(name: str) -> int | None:
    """The layer that a tensor belongs to, norms included; None outside of the layers."""
    found = _LAYER.search(name)
    return int(found[1]) if found else None


def component_of(group: str) -> str:
    """`attention`, `mlp` or `rest`."""
    return group.rsplit(".", 1)[-1]


def groups_of(names: Iterable[str]) -> tuple[str, ...]:
    """All groups of the tensors: by layer, attention before MLP, `rest` last."""

    def place(group: str) -> tuple[int, str]:
        return (1, "") if group == "rest" else (0, f"{int(group.split('.')[1]):06d}{group}")

    return tuple(sorted({group_of(name) for name in names}, key=place))


def check_alike(named: Sequence[tuple[str, Checkpoint]]) -> None:
    """Raise BadInput unless all share one architecture, tensors of one shape and a vocabulary."""
    (first_name, first), *others = named
    for name, other in others:
        pair = f"{name} and {first_name}"
        if other.architecture != first.architecture:
            raise BadInput(
                f"{pair} have different architectures: "
                f"{other.architecture} and {first.architecture}",
                "merge models fine-tuned from the same base",
            )
        sizes = (other.config.get("vocab_size"), first.config.get("vocab_size"))
        if sizes[0] != sizes[1] or not _same_words(other, first):
            raise BadInput(
                f"{pair} have different vocabularies (sizes {sizes[0]} and {sizes[1]})",
                "merge models that share a tokenizer",
            )
        _check_shapes(pair, other, first)


def _check_shapes(pair: str, other: Checkpoint, first: Checkpoint) -> None:
    for name in sorted(set(first.tensors) ^ set(other.tensors)):
        raise BadInput(f"{pair}: only one has the tensor {name}", "merge models of one shape")
    for name, entry in first.tensors.items():
        if entry.shape != other.tensors[name].shape:
            shapes = f"{other.tensors[name].shape} and {entry.shape}"
            raise BadInput(f"{pair}: {name} has shapes {shapes}", "merge models of one shape")


def _same_words(other: Checkpoint, first: Checkpoint) -> bool:
    """Whether the token tables agree; a checkpoint without a tokenizer agrees with any."""
    words = [_vocabulary(checkpoint) for checkpoint in (other, first)]
    return None in words or words[0] == words[1]


def _vocabulary(checkpoint: Checkpoint) -> JsonValue:
    """The token table of tokenizer.json, or None when the checkpoint brings none."""
    path = checkpoint.folder / "tokenizer.json"
    if not path.is_file():
        return None
    try:
        model = json.loads(path.read_text(encoding="utf-8"))["model"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: is no tokenizer file", "restore the tokenizer") from error
    vocabulary: JsonValue = model.get("vocab")
    return vocabulary
