"""The header of a safetensors file that a job left, read as hostile data; no tensor is opened."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType

from pydantic import JsonValue

from sandbox.errors import OutputRejected
from sandbox.hostile_json import parse_json

MOST_HEADER_BYTES = 4 << 20
MOST_DIMENSIONS, MOST_NUMBERS = 8, 1 << 40
NAME_CHARACTERS = 300
SIZES: Mapping[str, int] = MappingProxyType(
    {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}
    | {"BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "U32": 4, "U64": 8}
)
"""Bytes of one number, by safetensors' name of its type."""
_START = 8
_FIX = "leave what safetensors itself writes: plain tensors, one after the other"


@dataclass(frozen=True)
class TensorHead:
    """What a tensor is. dtype: safetensors' name, such as `F32`."""

    dtype: str
    shape: tuple[int, ...]


def tensor_heads(path: Path) -> dict[str, TensorHead]:
    """Every tensor of the file, by name.

    Raises OutputRejected unless the header is small and plain, and the tensors fill the rest of the
    file without a gap.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(_START)
            length = struct.unpack("<Q", start)[0] if len(start) == _START else size
            if length > min(MOST_HEADER_BYTES, size - _START):
                raise _rejected(path, "has a header that is too long or not whole")
            text = file.read(length)
    except OSError as error:
        raise _rejected(path, f"cannot be read ({error.strerror})") from error
    found = parse_json(text, path.name, max_depth=4)
    if not isinstance(found, dict):
        raise _rejected(path, "has a header that is no table")
    _check_metadata(path, found.pop("__metadata__", {}))
    spans = {name: _span(path, name, entry) for name, entry in found.items()}
    _check_gapless(path, [span[1:] for span in spans.values()], size - _START - length)
    return {name: head for name, (head, _, _) in spans.items()}


def _rejected(path: Path, what: str) -> OutputRejected:
    return OutputRejected(f"{path.name} {what}", _FIX)


def _check_metadata(path: Path, found: JsonValue) -> None:
    if not isinstance(found, dict) or not all(isinstance(word, str) for word in found.values()):
        raise _rejected(path, "has metadata that are not texts")


def _span(path: Path, name: str, entry: JsonValue) -> tuple[TensorHead, int, int]:
    """What it is, and from where to where its bytes go."""
    if len(name) > NAME_CHARACTERS or not name.isprintable():
        raise _rejected(path, "has a tensor of a name that is too long or not printable")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _rejected(path, "has a tensor that is not described by type, shape and place")
    dtype, shape, place = entry["dtype"], _whole(entry["shape"]), _whole(entry["data_offsets"])
    if not isinstance(dtype, str) or dtype not in SIZES:
        raise _rejected(path, "has a tensor of a type that is not known")
    if shape is None or len(shape) > MOST_DIMENSIONS or prod(shape) > MOST_NUMBERS:
        raise _rejected(path, "has a tensor of a shape that cannot be")
    if place is None or len(place) != 2 or place[1] - place[0] != prod(shape) * SIZES[dtype]:
        raise _rejected(path, "has a tensor of another size than its shape")
    return TensorHead(dtype, shape), place[0], place[1]


def _whole(found: JsonValue) -> tuple[int, ...] | None:
    """Whole numbers from zero on; None for anything else."""
    if not isinstance(found, list):
        return None
    numbers = tuple(n for n in found if isinstance(n, int) and not isinstance(n, bool))
    whole = len(numbers) == len(found) and all(0 <= n <= MOST_NUMBERS * 8 for n in numbers)
    return numbers if whole else None


def _check_gapless(path: Path, places: Iterable[tuple[int, int]], size: int) -> None:
    reached = 0
    for start, end in sorted(places):
        if start != reached:
            raise _rejected(path, "has tensors that overlap or leave a gap")
        reached = end
    if reached != size:
        raise _rejected(path, "has more or fewer bytes than its tensors")
