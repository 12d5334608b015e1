"""Carry out a recipe: one tensor at a time from the checkpoints to a new one, in bounded memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.merging.checkpoint import Checkpoint, check_alike, find_checkpoint, layer_of
from tools.merging.method import MergeMethod, Parents
from tools.merging.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

SHARD_BYTES = 1 << 30
"""A shard is written when it holds this much: the most that is held in memory beside one tensor of
each model."""


@dataclass(frozen=True)
class Merged:
    """What was written."""

    folder: Path
    tensors: int
    bytes: int


def merge(recipe: Recipe, out: Path, near: Path | None = None) -> Merged:
    """Write the merged checkpoint to `out`, which must not hold one yet.

    near: folder that relative model paths start from. Raises BadInput before anything is loaded
    when the method, its parameters or the models do not fit.
    """
    method = recipe.method()
    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out}: is not empty", "give a new folder")
    models = [find_checkpoint(model.model, near) for model in recipe.merged()]
    base = find_checkpoint(recipe.base_model, near) if recipe.base_model else None
    named = list(zip((m.model for m in recipe.merged()), models, strict=True))
    check_alike([*named, *([(recipe.base_model, base)] if base else [])])
    out.mkdir(parents=True, exist_ok=True)
    written = _write(_merged_tensors(recipe, method, models, base), out)
    _carry(base or models[0], recipe, out)
    return written


def _merged_tensors(
    recipe: Recipe, method: MergeMethod, models: list[Checkpoint], base: Checkpoint | None
) -> Iterator[tuple[str, Tensor]]:
    import torch

    names = list(models[0].tensors)
    last = max((layer for name in names if (layer := layer_of(name)) is not None), default=0)
    target = recipe.out_dtype or recipe.dtype
    for name in names:
        weights, parameters = recipe.at(method, name, _depth(name, last))
        tensors = [model.tensor(name) for model in models]
        kept = getattr(torch, target) if target else tensors[0].dtype
        if not tensors[0].is_floating_point():
            yield name, tensors[0]
            continue
        parents = Parents(
            models=tuple(tensor.float() for tensor in tensors),
            weights=tuple(weights),
            base=base.tensor(name).float() if base else None,
            name=name,
        )
        yield name, method(parents, parameters).to(kept).contiguous()


def _depth(name: str, last: int) -> float:
    """Place of a tensor from the first layer, 0, to the last, 1, which the head shares."""
    layer = layer_of(name)
    if layer is None:
        return 0.0 if "embed" in name or "wte" in name or "wpe" in name else 1.0
    return layer / last if last else 0.0


def _write(tensors: Iterator[tuple[str, Tensor]], out: Path) -> Merged:
    """Write shards as they fill, then their final names and, for several, the index."""
    shard: dict[str, Tensor] = {}
    size, total, shards = 0, 0, list[list[str]]()
    for name, tensor in tensors:
        room = tensor.numel() * tensor.element_size()
        if shard and size + room > SHARD_BYTES:
            _save(shard, out, shards)
            shard, size = {}, 0
        shard[name] = tensor
        size += room
        total += room
    _save(shard, out, shards)
    count = len(shards)
    if count == 1:
        (out / _part(0)).rename(out / "model.safetensors")
    else:
        _index(out, shards, total)
    return Merged(out, sum(len(names) for names in shards), total)


def _save(shard: dict[str, Tensor], out: Path, shards: list[list[str]]) -> None:
    from safetensors.torch import save_file

    save_file(shard, out / _part(len(shards)), metadata={"format": "pt"})
    shards.append(list(shard))


def _part(number: int) -> str:
    return f"model-part-{number + 1:05d}.safetensors"


def _index(out: Path, shards: list[list[str]], total: int) -> None:
    places: dict[str, str] = {}
    for number, names in enumerate(shards):
        final = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors"
        (out / _part(number)).rename(out / final)
        places |= dict.fromkeys(names, final)
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (out / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def _carry(source: Checkpoint, recipe: Recipe, out: Path) -> None:
    """Copy configuration and tokenizer; the configuration names the written type."""
    for path in source.carried():
        shutil.copyfile(path, out / path.name)
    target = recipe.out_dtype or recipe.dtype
    if target:
        config = {k: v for k, v in source.config.items() if k != "torch_dtype"}
        (out / "config.json").write_text(json.dumps({**config, "dtype": target}, indent=2))
