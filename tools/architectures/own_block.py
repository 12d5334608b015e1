"""A block that a person or a mind wrote: read by the trusted side, never imported there.

Everything here looks at the file's text alone. What the file does when it runs is found out in a
sandbox, first by `tools.architectures.law_check`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from sandbox.errors import BadInput
from tools.folder_digest import file_digest
from tools.subject import Subject

LARGEST_BYTES = 64 << 10
NAME = re.compile(r"[a-z]+(_[a-z]+)*")
LONGEST_NAME = 32
ALLOWED = (
    "__future__", "cmath", "collections", "dataclasses", "enum", "functools", "itertools", "math",
    "operator", "sandbox.errors", "tools.architectures", "torch", "typing",
)  # fmt: skip
"""What a block's file may import, with all that lies below. It keeps files readable and portable;
what holds a hostile one is the sandbox."""
_BUILT_IN = Path(__file__).parent / "blocks"
_SEE = "see docs/own-blocks.md"


@dataclass(frozen=True)
class OwnBlock:
    """What its file says of a block. digest: SHA-256 of the file."""

    name: str
    file: Path
    digest: str
    mixes: str
    constant_state: bool

    @property
    def label(self) -> str:
        """For people: `fading_memory` is `Fading memory`."""
        return self.name.replace("_", " ").capitalize()

    @property
    def input(self) -> str:
        """Name of the file below the inputs of a job."""
        return input_of(self.name)


@runtime_checkable
class BringsBlocks(Protocol):
    """A subject with blocks that are not built in."""

    blocks: tuple[OwnBlock, ...]


def input_of(name: str) -> str:
    """Where a job finds the file of a block, below its inputs."""
    return f"blocks/{name}.py"


def brought(subject: Subject) -> dict[str, OwnBlock]:
    """The blocks that the subject brings, by name."""
    found = subject.blocks if isinstance(subject, BringsBlocks) else ()
    return {block.name: block for block in found}


def read_own_block(path: Path) -> OwnBlock:
    """The block that a file declares, as its text says. Raises BadInput with one sentence."""
    tree = _parsed(path)
    _check_imports(path, tree)
    found = list(_declared(tree))
    if not found:
        raise BadInput(
            f"{path.name} defines no @block",
            f'put @block("name", source=..., reference=...) on its nn.Module; {_SEE}',
        )
    if len(found) > 1:
        raise BadInput(f"{path.name} defines {len(found)} blocks", "give each a file of its own")
    name, call = found[0]
    _check_name(path, name)
    mixes = _literal(path, call, "mixes", "sequence")
    if mixes not in ("sequence", "channel"):
        raise BadInput(f"{path.name}: mixes is {mixes!r}", 'use "sequence" or "channel"')
    if _literal(path, call, "causal", True) is not True:
        raise BadInput(
            f"{path.name}: {name} declares that it looks ahead",
            "only a causal block can take the place of the reference's mixer",
        )
    constant = _literal(path, call, "constant_state", True)
    return OwnBlock(name, path, file_digest(path), str(mixes), constant is True)


@lru_cache(maxsize=1)
def built_in() -> frozenset[str]:
    """Names of the blocks of the product, read from their files: no torch is imported."""
    trees = (ast.parse(path.read_bytes()) for path in sorted(_BUILT_IN.glob("*.py")))
    return frozenset(name for tree in trees for name, _ in _declared(tree))


def _parsed(path: Path) -> ast.Module:
    if not path.is_file():
        raise BadInput(f"the block file {path} does not exist", "paths start at the topic file")
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise BadInput(
            f"{path.name} has {size} bytes", f"a block's file has at most {LARGEST_BYTES}"
        )
    try:
        return ast.parse(path.read_bytes(), filename=path.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise BadInput(f"{path.name} is not Python{line}", _SEE) from error


def _check_imports(path: Path, tree: ast.Module) -> None:
    for name in _imported(tree):
        if not any(name == known or name.startswith(f"{known}.") for known in ALLOWED):
            raise BadInput(
                f"{path.name} imports {name}", f"a block may import {', '.join(ALLOWED)}"
            )


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def _declared(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Name and decorator of every class that `@block` declares."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and _called(call.func) == "block":
                given = call.args[0] if call.args else _keyword(call, "name")
                yield (str(given.value) if isinstance(given, ast.Constant) else ""), call


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _literal(path: Path, call: ast.Call, name: str, default: object) -> object:
    given = _keyword(call, name)
    if given is None:
        return default
    if not isinstance(given, ast.Constant):
        raise BadInput(f"{path.name}: {name} is not written out", f"give {name} as a plain value")
    return given.value


def _check_name(path: Path, name: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise BadInput(
            f"{path.name}: {name!r} cannot be the name of a block",
            f"write it out in @block: a-z and single _, at most {LONGEST_NAME} characters, no "
            "digits (papers print it within sentences, where every number is a measured one)",
        )
    if name in built_in():
        raise BadInput(f"{path.name}: a built-in block is called {name!r}", "choose another name")
