"""Code that a person or a mind wrote: read by the trusted side, never imported there.

Everything here looks at a file's text alone. What the file does when it runs is found out in a
sandbox, first by `tools.law_check`.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from sandbox.errors import BadInput
from sandbox.records import Seam
from tools.kind import KINDS, Kind
from tools.subject import Subject
from tools.tool import NamedCode

Declared = ast.ClassDef | ast.FunctionDef
LARGEST_BYTES = 64 << 10
NAME = re.compile(r"[a-z]+(_[a-z]+)*")
LONGEST_NAME = 32
S = TypeVar("S", bound=Subject)


@dataclass(frozen=True)
class OwnCode:
    """What is known of a file before it is run. digest: SHA-256 of the file."""

    seam: ClassVar[Seam]
    name: str
    file: Path
    digest: str

    @property
    def kind(self) -> Kind:
        """What it declares."""
        return KINDS[self.seam]

    @property
    def label(self) -> str:
        """For people: `fading_memory` is `Fading memory`."""
        return self.name.replace("_", " ").capitalize()

    @property
    def input(self) -> str:
        """Name of the file below the inputs of a job."""
        return input_of(self.seam, self.name)


@runtime_checkable
class BringsCode(Protocol):
    """A subject that files can be brought to. seams: of what kinds they may be."""

    seams: tuple[Seam, ...]
    code: tuple[OwnCode, ...]


def input_of(seam: Seam, name: str) -> str:
    """Where a job finds the file, below its inputs."""
    return f"{KINDS[seam].setting}/{name}.py"


def named_code(own: OwnCode) -> NamedCode:
    """The file as calls name it."""
    return NamedCode(own.seam, own.name, own.digest)


def seams_of(subject: Subject) -> tuple[Seam, ...]:
    """The kinds of files that the subject has a use for."""
    return subject.seams if isinstance(subject, BringsCode) else ()


def brought_code(subject: Subject) -> dict[str, OwnCode]:
    """Whatever the subject brings, of all kinds that it knows, by name: no two share one."""
    return {own.name: own for own in subject.code} if isinstance(subject, BringsCode) else {}


def with_code(subject: S, more: Sequence[OwnCode]) -> S:
    """The subject with these files too.

    Raises BadInput for files of a kind that it has no use for, or a name that it has already.
    """
    if not more:
        return subject
    made = copy.copy(subject)
    for own in more:
        if not isinstance(made, BringsCode) or own.seam not in made.seams:
            raise BadInput(f"{subject.name} has no use for {own.name}", "its domain is another")
        if own.name in brought_code(made):
            raise BadInput(f"{own.name!r} is brought already", "give it a name of its own")
        made.code = (*made.code, own)
    return made


@dataclass(frozen=True)
class Grammar:
    """How a file of one kind is written.

    noun: for messages. decorator: that declares it on a `node`. allowed: what it may import, with
    all that lies below; it keeps files readable and portable, and what holds a hostile one is the
    sandbox. built_in: folder of those of the product. see: the page that explains it.
    """

    noun: str
    decorator: str
    node: type[ast.ClassDef] | type[ast.FunctionDef]
    allowed: tuple[str, ...]
    built_in: Path
    see: str

    @property
    def one(self) -> str:
        """The noun with its article."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"

    def read(self, path: Path) -> tuple[str, Declared, ast.Call]:
        """Name, definition and decorator of the one that the file declares. Raises BadInput."""
        tree = self._parsed(path)
        self._check_imports(path, tree)
        found = list(self._declared(tree))
        if not found:
            raise BadInput(
                f"{path.name} defines no @{self.decorator}",
                f'put @{self.decorator}("name", source=...) on its definition; {self.see}',
            )
        if len(found) > 1:
            raise BadInput(
                f"{path.name} defines {len(found)} {self.noun}s", "give each a file of its own"
            )
        self._check_name(path, found[0][0])
        return found[0]

    def names(self) -> frozenset[str]:
        """Names of those of the product, read from their files: no torch is imported."""
        return frozenset(_declarations(self))

    def saying(self, keyword: str, value: object) -> frozenset[str]:
        """Names of those of the product whose decorator says so."""
        return frozenset(
            name
            for name, call in _declarations(self).items()
            if isinstance(given := _keyword(call, keyword), ast.Constant) and given.value == value
        )

    def _parsed(self, path: Path) -> ast.Module:
        if not path.is_file():
            raise BadInput(
                f"the {self.noun}'s file {path} does not exist", "paths start at the topic file"
            )
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise BadInput(
                f"{path.name} has {size} bytes", f"{self.one}'s file has at most {LARGEST_BYTES}"
            )
        try:
            return ast.parse(path.read_bytes(), filename=path.name)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
            raise BadInput(f"{path.name} is not Python{line}", self.see) from error

    def _check_imports(self, path: Path, tree: ast.Module) -> None:
        for name in _imported(tree):
            if not any(name == known or name.startswith(f"{known}.") for known in self.allowed):
                raise BadInput(
                    f"{path.name} imports {name}",
                    f"{self.one} may import {', '.join(self.allowed)}",
                )

    def _declared(self, tree: ast.Module) -> Iterator[tuple[str, Declared, ast.Call]]:
        for node in ast.walk(tree):
            if not isinstance(node, self.node):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and _called(call.func) == self.decorator:
                    given = call.args[0] if call.args else _keyword(call, "name")
                    name = str(given.value) if isinstance(given, ast.Constant) else ""
                    yield name, node, call

    def _check_name(self, path: Path, name: str) -> None:
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise BadInput(
                f"{path.name}: {name!r} cannot be the name of {self.one}",
                f"write it out in @{self.decorator}: a-z and single _, at most {LONGEST_NAME} "
                "characters, no digits (papers print it within sentences, where every number is a "
                "measured one)",
            )
        if name in self.names():
            raise BadInput(
                f"{path.name}: a built-in {self.noun} is called {name!r}", "choose another name"
            )


def literal(path: Path, call: ast.Call, name: str, default: object) -> object:
    """A decorator's keyword, which must be written out. Raises BadInput."""
    given = _keyword(call, name)
    if given is None:
        return default
    if not isinstance(given, ast.Constant):
        raise BadInput(f"{path.name}: {name} is not written out", f"give {name} as a plain value")
    return given.value


@lru_cache(maxsize=4)
def _declarations(grammar: Grammar) -> Mapping[str, ast.Call]:
    trees = (ast.parse(path.read_bytes()) for path in sorted(grammar.built_in.glob("*.py")))
    return {name: call for tree in trees for name, _, call in grammar._declared(tree)}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)
