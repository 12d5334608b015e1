"""A value with its unit and sources, and how it is written: rounding is decided only here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from sandbox.errors import UnbackedNumber

Unit = Literal[
    "fraction", "points", "ratio", "p", "nats", "s", "bytes", "count", "coefficient", "number",
    "bits", "text",
]  # fmt: skip
MINUS = "\N{MINUS SIGN}"
FIXED_SPACE = "\N{NO-BREAK SPACE}"
_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
)  # fmt: skip
_DEFAULTS: dict[Unit, str] = {
    "fraction": ".3f",
    "points": "pp",
    "ratio": ".2f",
    "p": "p",
    "nats": ".3f",
    "bits": ".3f",
    "s": "s",
    "bytes": "B",
    "count": "d",
    "coefficient": ".2f",
    "number": "g",
    "text": "text",
}


@dataclass(frozen=True)
class Value:
    """What an expression stands for.

    unit: `points` is a difference of two fractions (0.05 is 5 percentage points), `number` a
    configured quantity
    without a unit. sources: records as `kind:id`, in the order used; `ledger:kind` stands for all
    of a kind.
    """

    value: float | str
    unit: Unit
    sources: tuple[str, ...]
    expression: str

    @property
    def number(self) -> float:
        """The value as a number. Raises UnbackedNumber for text."""
        if isinstance(self.value, str):
            raise UnbackedNumber(f"{self.expression} is text, not a number", "use the format text")
        return self.value


@dataclass(frozen=True)
class Rendered:
    """A value as it stands in the paper. expression: with its format, as it was written."""

    text: str
    value: float | str
    unit: Unit
    sources: tuple[str, ...]
    expression: str


def write(value: Value, form: str = "") -> str:
    """The text of a value in a format; without one, its unit's usual format.

    .Nf (N decimals), d (whole, thousands separated), % (percent, one decimal), pp (signed
    percentage points), p
    (p-value), p= ("p = 0.004"), s, B, words (up to twelve), g (as configured), text, inline (text
    as it stands within a sentence). Halves round
    away from zero. A
    negative number has a true minus sign. Raises UnbackedNumber when unit and format do not fit.
    """
    form = form or _DEFAULTS[value.unit]
    if form == "text":
        return _text(value)
    if form == "inline":
        return inline(_text(value))
    if re.fullmatch(r"\.[0-6]f", form):
        return _signed(rounded(value.number, int(form[1])))
    known = _FORMATS.get(form)
    if known is None:
        raise UnbackedNumber(
            f"{value.expression}: unknown format {form!r}",
            f"formats: .Nf, text, {', '.join(_FORMATS)}",
        )
    units, writer = known
    if value.unit not in units:
        raise UnbackedNumber(
            f"{value.expression} is in {value.unit}, which the format {form!r} does not write",
            f"its usual format is {_DEFAULTS[value.unit]}; {form} writes {', '.join(units)}",
        )
    return writer(value)


def rounded(number: float, decimals: int, shift: int = 0) -> Decimal:
    """`number` x 10^shift to that many decimals, halves away from zero.

    Rounds the shortest decimal form, so that 0.285 is 28.5% and not 28.499...%.
    """
    exact = Decimal(repr(float(number))).scaleb(shift)
    result = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return result if result else abs(result)


def _signed(number: Decimal, plus: bool = False) -> str:
    sign = MINUS if number < 0 else ("+" if plus and number > 0 else "")
    return f"{sign}{abs(number):f}"


def _text(value: Value) -> str:
    if not isinstance(value.value, str):
        raise UnbackedNumber(
            f"{value.expression} is a number in {value.unit}", f"use {_DEFAULTS[value.unit]}"
        )
    return value.value


def inline(text: str) -> str:
    """A label within a sentence: its first letter small, unless it begins an acronym or a name.

    What owns something is a name: Python's help text.
    """
    first = text.split(" ", maxsplit=1)[0]
    small = first == "A" or (first[1:].islower() and "'" not in first)
    return text[:1].lower() + text[1:] if small else text


def _whole(value: Value) -> str:
    number = value.number
    if number != int(number):
        raise UnbackedNumber(f"{value.expression} is {number}, not whole", "use the format .1f")
    return _signed(Decimal(int(number))) if abs(number) < 10_000 else f"{int(number):,}"


def _percent(value: Value) -> str:
    return f"{_signed(rounded(value.number, 1, shift=2))}%"


def _points(value: Value) -> str:
    return f"{_signed(rounded(value.number, 1, shift=2), plus=True)}{FIXED_SPACE}pp"


def _p(value: Value) -> str:
    return "<0.001" if value.number < 0.001 else str(rounded(value.number, 3))


def _p_equation(value: Value) -> str:
    text = _p(value)
    sign, number = ("<", text[1:]) if text.startswith("<") else ("=", text)
    return f"p{FIXED_SPACE}{sign}{FIXED_SPACE}{number}"


def _seconds(value: Value) -> str:
    for most, unit_s, name in ((120.0, 1.0, "s"), (7200.0, 60.0, "min"), (1e18, 3600.0, "h")):
        if abs(value.number) < most:
            return f"{_short(value.number / unit_s)}{FIXED_SPACE}{name}"
    raise UnbackedNumber(f"{value.expression} is {value.number} seconds", "that is no duration")


def _bytes(value: Value) -> str:
    size = value.number
    for name in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{_short(size)}{FIXED_SPACE}{name}"
        size /= 1024
    return f"{_short(size)}{FIXED_SPACE}TiB"


def _short(number: float) -> str:
    """One decimal, none for a whole number, two below one."""
    if number == int(number):
        return _signed(Decimal(int(number)))
    return _signed(rounded(number, 1 if abs(number) >= 1 else 2))


def _words(value: Value) -> str:
    number = value.number
    if number == int(number) and 0 <= number < len(_WORDS):
        return _WORDS[int(number)]
    return _whole(value)


def _general(value: Value) -> str:
    return f"{value.number:.6g}".replace("-", MINUS)


_FORMATS: dict[str, tuple[tuple[Unit, ...], Callable[[Value], str]]] = {
    "d": (("count", "number"), _whole),
    "words": (("count", "number"), _words),
    "%": (("fraction", "ratio", "number"), _percent),
    "pp": (("points",), _points),
    "p": (("p",), _p),
    "p=": (("p",), _p_equation),
    "s": (("s",), _seconds),
    "B": (("bytes",), _bytes),
    "g": (("count", "number", "coefficient", "ratio", "p", "fraction", "nats", "bits"), _general),
}
