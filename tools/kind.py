"""The kinds of code that a person or a mind may bring: everything that depends on the kind is here.

Topic settings, commands, law checks, what a mind may write and what a paper says of it read this
table. Nothing is imported until it is asked for, so that `hanji --help` may read it too.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.records import Seam
    from tools.law_check import TriesOutside
    from tools.own_code import Grammar, OwnCode


@dataclass(frozen=True)
class Kind:
    """One kind. What is written `module:name` is imported when it is used.

    seam: its word in the ledger. short: its word in commands and arguments. noun: in sentences.
    domain: of the topics that may bring it. setting: the topic's field, and the folder of a run.
    decorator: that declares one. grammar, reader: how a file's text is read. registry: of those
    known to a process, by name. names: those of the product, for a prompt. laws: in the order in
    which they are tried; the first two must hold before the others are. of_laws: whose they are.
    inside: tries them on a name within a sandbox, one line a law. outside: tries them on what
    sandboxes leave, in the place of `inside`. writes: what a mind is told of the tool that writes
    one. asked_about: whether families of the playbook ask about one, or all may ask about it.
    told_laws, told_use: for the paper, what the laws are and how the code was used.
    """

    seam: Seam
    short: str
    noun: str
    domain: Literal["architectures", "merging"]
    setting: str
    decorator: str
    grammar: str
    reader: str
    registry: str
    names: str
    laws: tuple[str, ...]
    of_laws: str
    writes: str
    told_laws: str
    told_use: str
    inside: str = ""
    outside: str = ""
    asked_about: bool = True

    @property
    def one(self) -> str:
        """The noun with its article."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"

    @property
    def command(self) -> str:
        """`hanji COMMAND check FILE`."""
        return f"{self.short}s"

    @property
    def argument(self) -> str:
        """In which a call names such files with their digests."""
        return f"own_{self.short}s"

    @property
    def check(self) -> str:
        """The call that tries the laws."""
        return f"check_{self.seam}"

    @property
    def writer(self) -> str:
        """The tool with which a mind writes one."""
        return f"write_{self.seam}"

    @property
    def prompt(self) -> str:
        """What a mind is told about writing one."""
        return f"code_{self.seam}"

    def how_written(self) -> Grammar:
        """How a file declares one."""
        found: Grammar = pkgutil.resolve_name(self.grammar)
        return found

    def read(self, path: Path) -> OwnCode:
        """What a file declares, as its text says; it is not run. Raises BadInput."""
        reader: Callable[[Path], OwnCode] = pkgutil.resolve_name(self.reader)
        return reader(path)

    def known(self) -> Mapping[str, object]:
        """All that this process knows, by name."""
        registry: Callable[[], Mapping[str, object]] = pkgutil.resolve_name(self.registry)
        return registry()

    def built_in(self) -> list[str]:
        """Those of the product as a prompt lists them, sorted."""
        names: Callable[[], frozenset[str]] = pkgutil.resolve_name(self.names)
        return sorted(names())

    def try_inside(self, name: str) -> list[str]:
        """One line a law, within a sandbox, which has imported the file."""
        tried: Callable[[str], list[str]] = pkgutil.resolve_name(self.inside)
        return tried(name)

    def try_outside(self) -> TriesOutside:
        """What tries the laws on what sandboxes leave."""
        tried: TriesOutside = pkgutil.resolve_name(self.outside)
        return tried


_ALL = (
    Kind(
        seam="block",
        short="block",
        noun="block",
        domain="architectures",
        setting="blocks",
        decorator="block",
        grammar="tools.architectures.own_block:BLOCK",
        reader="tools.architectures.own_block:read_own_block",
        registry="tools.architectures.block:all_blocks",
        names="tools.architectures.own_block:BLOCK.names",
        laws=("shape", "values", "gradient", "causality", "reference", "decoding"),
        of_laws="blocks",
        inside="tools.architectures.laws:tried",
        writes="Write a sequence or channel block as a Python file; its laws are tried in a "
        "sandbox.",
        told_laws="the laws of blocks (shape, finite gradients, causality, equality with a plain "
        "reference, decoding) before any training",
        told_use="Trained models were asked for predictions by other jobs, which knew neither seed "
        "nor data of the training, and a trial whose answers change with later tokens fails",
    ),
    Kind(
        seam="merge_method",
        short="method",
        noun="merge method",
        domain="merging",
        setting="methods",
        decorator="merge_method",
        grammar="tools.merging.own_method:METHOD",
        reader="tools.merging.own_method:read_own_method",
        registry="tools.merging.method:all_methods",
        names="tools.merging.method:signatures",
        laws=("kept", "values", "repeat", "identity", "order", "weights"),
        of_laws="merging",
        inside="tools.merging.method_laws:tried",
        writes="Write a merge method as a Python file; its laws are tried in a sandbox.",
        told_laws="the laws of merging (type and shape, finite values, repetition, a model merged "
        "with itself, the order of models) before any merge",
        told_use="Merged models were asked for predictions by jobs that run none of this code",
    ),
    Kind(
        seam="objective",
        short="objective",
        noun="objective",
        domain="architectures",
        setting="objectives",
        decorator="objective",
        grammar="tools.architectures.own_objective:OBJECTIVE",
        reader="tools.architectures.own_objective:read_own_objective",
        registry="tools.architectures.objective:all_objectives",
        names="tools.architectures.own_objective:OBJECTIVE.names",
        laws=("loss", "gradient", "model", "draw", "learning", "bits", "writing"),
        of_laws="objectives",
        inside="tools.architectures.objective_laws:tried",
        writes="Write a training objective as a Python file; its laws are tried in a sandbox.",
        told_laws="the laws of objectives (a finite loss that reaches every weight, the plain "
        "model, repetition, learning one batch) before any training",
        told_use="The loss alone is its own: the model, its training steps and the selection of "
        "the rate are as for the other arms, and the jobs that answered ran none of this code",
    ),
    Kind(
        seam="task",
        short="task",
        noun="task",
        domain="architectures",
        setting="task_files",
        decorator="drawn_task",
        grammar="tools.tasks.own_task:TASK",
        reader="tools.tasks.own_task:read_own_task",
        registry="tools.tasks.drawn:all_drawn_tasks",
        names="tools.tasks.own_task:SUITE.names",
        laws=("draws", "repeat", "splits", "answers", "chance"),
        of_laws="tasks",
        outside="tools.task_laws:tried",
        asked_about=False,
        writes="Write a sequence task as a Python file; its laws are tried on what it draws in "
        "sandboxes.",
        told_laws="the laws of tasks, tried outside on what it drew (bounds, repetition, sequences "
        "that differ, one answer to each, chance as stated) before any training",
        told_use="Sequences were drawn there and nothing else was done; which of them train and "
        "which test was decided outside. A task can be made so that an architecture does well on "
        "it, so that what is found on it holds for it alone; trials were given what was drawn",
    ),
)
KINDS: Mapping[Seam, Kind] = MappingProxyType({kind.seam: kind for kind in _ALL})
"""By the ledger's word, in the order in which people are told of them."""


def kinds_of(domain: str) -> tuple[Kind, ...]:
    """Those that topics of this domain may bring."""
    return tuple(kind for kind in _ALL if kind.domain == domain)
