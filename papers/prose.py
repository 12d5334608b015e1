"""Prose split into its pieces: LaTeX, HTML and the review agree here on what a reference is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_PIECE = re.compile(r"\{\{(?P<body>.+?)\}\}(?!\})|(?<!\\)\$(?P<math>(?:[^$\\]|\\.)+)\$", re.DOTALL)


@dataclass(frozen=True)
class Plain:
    """Words: escaped when rendered."""

    text: str


@dataclass(frozen=True)
class Reference:
    """A value: `body` is the expression with its format, as `mean:evolve/copy.ko/test|.3f`."""

    body: str


@dataclass(frozen=True)
class Cite:
    """Works of the bibliography; textual or in parentheses."""

    keys: tuple[str, ...]
    in_parentheses: bool


@dataclass(frozen=True)
class Ref:
    """A label of a table, figure, formula or section."""

    label: str


@dataclass(frozen=True)
class Code:
    """Quoted configuration, kept letter for letter."""

    text: str


@dataclass(frozen=True)
class Math:
    """Inline mathematics, without its dollar signs."""

    tex: str


Piece = Plain | Reference | Cite | Ref | Code | Math


@lru_cache(maxsize=1 << 14)
def pieces(text: str) -> tuple[Piece, ...]:
    """The prose in order. An opening `{{` that is never closed stays plain (see `unclosed`)."""
    return tuple(_split(text))


def references(text: str) -> tuple[str, ...]:
    """Bodies of the value references, in order."""
    return tuple(piece.body for piece in pieces(text) if isinstance(piece, Reference))


def citations(text: str) -> tuple[str, ...]:
    """Citation keys, in order."""
    return tuple(k for piece in pieces(text) if isinstance(piece, Cite) for k in piece.keys)


def labels(text: str) -> tuple[str, ...]:
    """Labels that the prose refers to, in order."""
    return tuple(piece.label for piece in pieces(text) if isinstance(piece, Ref))


def words(text: str) -> str:
    """Only the plain words: references, citations, code and mathematics left out."""
    return "".join(piece.text for piece in pieces(text) if isinstance(piece, Plain))


def unclosed(text: str) -> bool:
    """Whether a brace pair was opened and not closed, or closed and not opened."""
    rest = words(text)
    return "{{" in rest or "}}" in rest


def _split(text: str) -> Iterator[Piece]:
    end = 0
    for found in _PIECE.finditer(text):
        if found.start() > end:
            yield Plain(text[end : found.start()])
        math = found.group("math")
        yield Math(math) if math is not None else _reference(found.group("body").strip())
        end = found.end()
    if end < len(text):
        yield Plain(text[end:])


def _reference(body: str) -> Piece:
    kind, _, rest = body.partition(":")
    if kind in ("cite", "citep"):
        keys = tuple(key.strip() for key in rest.split(",") if key.strip())
        return Cite(keys, in_parentheses=kind == "citep")
    if kind == "ref":
        return Ref(rest.strip())
    if kind == "code":
        return Code(rest)
    return Reference(body)
