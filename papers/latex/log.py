"""What a TeX run complained about, read from its logs."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OVERFULL = re.compile(
    r"^Overfull \\hbox \((\d{1,9}(?:\.\d{1,9})?)pt too wide\) (.*?)$", re.MULTILINE | re.ASCII
)
_UNDEFINED = re.compile(  # bounded, for a line may be as long as whoever wrote it likes
    r"^(?:LaTeX|Package natbib) Warning: (Reference|Citation) [`'](.{1,200}?)' on page .{0,200}?"
    r"undefined",
    re.MULTILINE,
)
_MISSING = re.compile(
    r"^Missing character: There is no (.{1,200}?) in font (\S{1,200}?)!?$", re.MULTILINE
)
_ERROR = re.compile(r"^! (.+)$", re.MULTILINE)
_BIBTEX = re.compile(r"^(Warning--.+|I (?:found no|couldn't open).+)$", re.MULTILINE)
TOLERATED_PT = 1.0


def problems(log: str, bibtex_log: str = "") -> tuple[str, ...]:
    """One sentence for each thing that a reader would notice, in order, without repetitions.

    log: paper.log with unbroken lines (max_print_line). Boxes up to a point too wide pass.
    """
    return tuple(dict.fromkeys((*_of_log(log), *_of_bibtex(bibtex_log))))


def first_error(log: str) -> str:
    """TeX's own words for why it stopped, "" when it did not say."""
    found = _ERROR.search(log)
    if not found:
        return ""
    line = re.search(r"^l\.\d+ .*$", log[found.end() :], re.MULTILINE)
    return f"{found.group(1)} {line.group() if line else ''}".strip()


def _of_log(log: str) -> Iterator[str]:
    for width, where in _OVERFULL.findall(log):
        if float(width) > TOLERATED_PT:
            yield f"overfull box: {float(width):.1f} pt too wide, {where.strip()}"
    for kind, name in _UNDEFINED.findall(log):
        yield f"undefined {kind.lower()}: {name}"
    for glyph, font in _MISSING.findall(log):
        yield f"missing glyph: {glyph} in {font}"


def _of_bibtex(log: str) -> Iterator[str]:
    for warning in _BIBTEX.findall(log):
        yield f"bibliography: {warning.removeprefix('Warning--')}"
