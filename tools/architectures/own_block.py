"""A block that a person or a mind wrote, as its file's text says; see `tools.own_code`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sandbox.errors import BadInput
from sandbox.records import Seam
from tools.folder_digest import file_digest
from tools.kind import KINDS
from tools.own_code import LARGEST_BYTES, Grammar, OwnCode, brought_code, literal
from tools.subject import Subject

__all__ = ["BLOCK", "LARGEST_BYTES", "OwnBlock", "brought", "built_in", "read_own_block"]
BLOCK = Grammar(
    noun=KINDS["block"].noun,
    decorator=KINDS["block"].decorator,
    node=ast.ClassDef,
    allowed=(
        "__future__", "cmath", "collections", "dataclasses", "enum", "functools", "itertools",
        "math", "operator", "sandbox.errors", "tools.architectures", "torch", "typing",
    ),
    built_in=Path(__file__).parent / "blocks",
    see="see docs/own-blocks.md",
)  # fmt: skip


@dataclass(frozen=True)
class OwnBlock(OwnCode):
    """What its file says of a block."""

    seam: ClassVar[Seam] = "block"
    mixes: str
    constant_state: bool


def brought(subject: Subject) -> dict[str, OwnBlock]:
    """The blocks that the subject brings, by name."""
    found = brought_code(subject).values()
    return {own.name: own for own in found if isinstance(own, OwnBlock)}


def read_own_block(path: Path) -> OwnBlock:
    """The block that a file declares, as its text says. Raises BadInput with one sentence."""
    name, _, call = BLOCK.read(path)
    mixes = literal(path, call, "mixes", "sequence")
    if mixes not in ("sequence", "channel"):
        raise BadInput(f"{path.name}: mixes is {mixes!r}", 'use "sequence" or "channel"')
    if literal(path, call, "causal", True) is not True:
        raise BadInput(
            f"{path.name}: {name} declares that it looks ahead",
            "only a causal block can take the place of the reference's mixer",
        )
    constant = literal(path, call, "constant_state", True)
    return OwnBlock(name, path, file_digest(path), str(mixes), constant is True)


def built_in() -> frozenset[str]:
    """Names of the blocks of the product, read from their files: no torch is imported."""
    return BLOCK.names()


def look_ahead() -> frozenset[str]:
    """Names of the blocks of the product that look ahead, read likewise."""
    return BLOCK.saying("causal", value=False)
