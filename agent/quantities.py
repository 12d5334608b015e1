"""Durations and sizes as people write them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from sandbox.errors import BadInput

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_BYTES |= {"kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def seconds(value: str | int | float) -> float:
    """Seconds in "90s", "15m", "1h30m" or a plain number. Raises BadInput."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _positive(float(value), value)
    text = str(value).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _positive(float(text), value)
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise BadInput(f"{value!r} is not a duration", "write it like 90s, 15m, 2h or 1h30m")
    return _positive(sum(float(number) * _SECONDS[unit] for number, unit in parts), value)


def size(value: str | int) -> int:
    """Bytes in "512MiB", "2GiB", "1GB" or a plain number. Raises BadInput."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(_positive(float(value), value))
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", str(value).strip())
    if match is None or (match[2] or "B") not in _BYTES:
        raise BadInput(f"{value!r} is not a size", "write it like 512MiB, 2GiB or 1GB")
    return int(_positive(float(match[1]) * _BYTES[match[2] or "B"], value))


def _positive(number: float, value: object) -> float:
    if number < 0:
        raise BadInput(f"{value!r} is negative", "a duration or size is zero or more")
    return number


def _seconds_field(value: str | int | float) -> float:
    try:
        return seconds(value)
    except BadInput as error:
        raise ValueError(str(error)) from error


def _size_field(value: str | int) -> int:
    try:
        return size(value)
    except BadInput as error:
        raise ValueError(str(error)) from error


Duration = Annotated[float, BeforeValidator(_seconds_field)]
Bytes = Annotated[int, BeforeValidator(_size_field)]
