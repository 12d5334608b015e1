"""An objective that a person or a mind wrote, as its file's text says; see `tools.own_code`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sandbox.errors import BadInput
from sandbox.records import Seam
from tools.folder_digest import file_digest
from tools.kind import KINDS
from tools.own_code import Grammar, OwnCode, brought_code, literal
from tools.subject import Subject

OBJECTIVE = Grammar(
    noun=KINDS["objective"].noun,
    decorator=KINDS["objective"].decorator,
    node=ast.ClassDef,
    allowed=(
        "__future__", "cmath", "collections", "dataclasses", "enum", "functools", "itertools",
        "math", "operator", "sandbox.errors", "tools.architectures", "tools.tasks.sequence",
        "torch", "typing",
    ),
    built_in=Path(__file__).parent / "objectives",
    see="see docs/own-objectives.md",
)  # fmt: skip
LIKELIHOODS = ("exact", "bound")


@dataclass(frozen=True)
class OwnObjective(OwnCode):
    """What its file says of an objective. likelihood: what it says that its bits are."""

    seam: ClassVar[Seam] = "objective"
    likelihood: str


def brought_objectives(subject: Subject) -> dict[str, OwnObjective]:
    """The objectives that the subject brings, by name."""
    found = brought_code(subject).values()
    return {own.name: own for own in found if isinstance(own, OwnObjective)}


def read_own_objective(path: Path) -> OwnObjective:
    """The objective that a file declares, as its text says. Raises BadInput with one sentence."""
    name, _, call = OBJECTIVE.read(path)
    likelihood = literal(path, call, "likelihood", "")
    if likelihood not in LIKELIHOODS:
        raise BadInput(
            f"{path.name}: likelihood is {likelihood!r}", 'say "exact" or "bound": what `bits` is'
        )
    if literal(path, call, "teachers", False) is not False:
        raise BadInput(
            f"{path.name}: {name} declares that it needs teachers",
            "leave teachers out: it is compared with the labels alone, at equal cost",
        )
    return OwnObjective(name, path, file_digest(path), str(likelihood))
