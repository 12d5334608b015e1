"""The header of an untrusted safetensors file, checked before any library opens it.

Format: https://github.com/huggingface/safetensors#format: 8 bytes little-endian header length, JSON
header, data.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from sandbox.errors import OutputRejected
from sandbox.hostile_json import parse_json

HEADER_BYTES = 4 << 20
DIMENSIONS = 8
ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
FIX = "save tensors with safetensors; pickled checkpoints are never opened"


@dataclass(frozen=True)
class TensorHeader:
    """What the header says of one tensor; `begin` and `end` are bytes into the data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_tensor_headers(path: Path) -> Mapping[str, TensorHeader]:
    """Name -> header of every tensor of a safetensors file. Raises OutputRejected.

    Sizes must agree with shapes, and the tensors must cover the data exactly, without gap or
    overlap.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        total = os.fstat(descriptor).st_size
        length = int.from_bytes(file.read(8), "little")
        if total < 8 or not 2 <= length <= min(HEADER_BYTES, total - 8):
            raise OutputRejected(f"{path.name}: the header claims {length} bytes", FIX)
        header = parse_json(file.read(length), path.name, max_depth=4)
    if not isinstance(header, dict):
        raise OutputRejected(f"{path.name}: the header is not an object", FIX)
    tensors = {
        name: _tensor(path.name, name, entry)
        for name, entry in header.items()
        if name != "__metadata__"
    }
    _check_cover(path.name, tensors, total - 8 - length)
    return tensors


def _tensor(file: str, name: str, entry: JsonValue) -> TensorHeader:
    where = f"{file}: tensor {name[:80]!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise OutputRejected(f"{where} has no proper entry", FIX)
    dtype, shape, offsets = entry["dtype"], _sizes(entry["shape"]), _sizes(entry["data_offsets"])
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise OutputRejected(f"{where} has an unknown dtype", FIX)
    if shape is None or len(shape) > DIMENSIONS or offsets is None or len(offsets) != 2:
        raise OutputRejected(f"{where} has an impossible shape or offset", FIX)
    if offsets[1] - offsets[0] != math.prod(shape) * ITEM_BYTES[dtype]:
        raise OutputRejected(f"{where}: its bytes do not fit its shape", FIX)
    return TensorHeader(dtype, shape, offsets[0], offsets[1])


def _sizes(value: JsonValue) -> tuple[int, ...] | None:
    """A list of non-negative integers below 2**48, or None."""
    if not isinstance(value, list):
        return None
    sizes = [
        v for v in value if isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 1 << 48
    ]
    return tuple(sizes) if len(sizes) == len(value) else None


def _check_cover(file: str, tensors: Mapping[str, TensorHeader], data_bytes: int) -> None:
    position = 0
    for tensor in sorted(tensors.values(), key=lambda t: (t.begin, t.end)):
        if tensor.begin != position:
            raise OutputRejected(f"{file}: tensors overlap or leave a gap", FIX)
        position = tensor.end
    if position != data_bytes:
        raise OutputRejected(f"{file}: the tensors do not cover the data", FIX)
