"""Files with code that a topic brings: read before any work, kept in the run, the same ever after.

What a mind writes during a run comes in by `agent.written_code`, and is read here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import JsonValue

from papers.code_facts import code_fact
from sandbox.errors import BadInput, CannotResume
from sandbox.records import Seam
from tools.folder_digest import file_digest
from tools.kind import KINDS
from tools.own_code import OwnCode, brought_code
from tools.subject import Subject

if TYPE_CHECKING:
    from agent.topic import Topic

ORDER = ("", "_second", "_third", "_fourth")
FAMILIES: Mapping[Seam, tuple[str, ...]] = MappingProxyType(
    {
        kind.seam: tuple(f"own_{kind.short}{at}" for at in ORDER) if kind.asked_about else ()
        for kind in KINDS.values()
    }
)
"""The hypothesis family of each file of a kind, in the topic's order; all may ask about a task."""
MOST = len(ORDER)
"""Files of a kind in a run, the topic's and the mind's together."""


def read_own_code(seam: Seam, path: Path) -> OwnCode:
    """What a file declares, as its text says; it is not run. Raises BadInput with one sentence."""
    own = KINDS[seam].read(path)
    _check_words(own)
    return own


def code_of(topic: Topic) -> tuple[OwnCode, ...]:
    """What the topic's files declare, none of which is run; no two share a name, of any kind.

    Raises BadInput with one sentence.
    """
    found: dict[str, OwnCode] = {}
    for kind in KINDS.values():
        for file in getattr(topic, kind.setting):
            own = read_own_code(kind.seam, Path(file))
            if own.name in found:
                raise BadInput(
                    f"{own.file.name} and {found[own.name].file.name} both declare {own.name!r}",
                    "give each its own name",
                )
            found[own.name] = own
    return tuple(found.values())


def keep_code(topic: Topic, subject: Subject, folder: Path) -> Topic:
    """The topic with its code copied into the run's folder, where it finds it from now on.

    Raises BadInput when a file changed since it was read.
    """
    kept: dict[str, tuple[str, ...]] = {}
    for own in brought_code(subject).values():
        target = folder / own.input
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(own.file.read_bytes())
        if file_digest(target) != own.digest:
            raise BadInput(f"{own.file.name} changed while the run began", "start it again")
        setting = own.kind.setting
        kept[setting] = (*kept.get(setting, ()), own.input)
    return topic.model_copy(update=kept)


def code_facts(subject: Subject, seam: Seam) -> list[JsonValue]:
    """What run.json says of those of a kind."""
    found = [own for own in brought_code(subject).values() if own.seam == seam]
    return [code_fact(own.name, own.label, own.input, own.digest, "") for own in found]


def check_unchanged(facts: Mapping[str, JsonValue], subject: Subject) -> None:
    """Raise CannotResume when the run's code is not that which it began with."""
    for kind in KINDS.values():
        if facts.get(kind.setting, []) != code_facts(subject, kind.seam):
            raise CannotResume(
                f"{facts['id']}: its {kind.setting}/ are not the files that it began with",
                "restore them from a copy, or start a new run",
            )


def _check_words(own: OwnCode) -> None:
    """A paper's prose names the code, and in prose every number is a measured one."""
    from papers.review.checks.untraced_number import NUMBER
    from papers.review.printed import NUMBER_WORDS

    words = own.name.split("_")
    if set(words) & {"zero", "one", *NUMBER_WORDS} or NUMBER.search(" ".join(words)):
        raise BadInput(
            f"{own.file.name}: the name {own.name!r} has a number in it",
            "choose another, for papers print it within sentences",
        )
