"""Blocks that a topic brings: read before any work, copied into the run, the same ever after."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sandbox.errors import BadInput, CannotResume
from tools.architectures.own_block import OwnBlock, brought, read_own_block
from tools.folder_digest import file_digest
from tools.subject import Subject

if TYPE_CHECKING:
    from agent.topic import Topic

FAMILIES = ("own_block", "own_block_second", "own_block_third", "own_block_fourth")
"""The hypothesis family of each block, in the topic's order."""
FOLDER = "blocks"


def read_own_blocks(files: Sequence[str]) -> tuple[OwnBlock, ...]:
    """The blocks of these files, none of which is run. Raises BadInput with one sentence."""
    found: dict[str, OwnBlock] = {}
    for file in files:
        block = read_own_block(Path(file))
        _check_words(block)
        if block.name in found:
            raise BadInput(
                f"{block.file.name} and {found[block.name].file.name} both declare {block.name!r}",
                "give each block its own name",
            )
        found[block.name] = block
    return tuple(found.values())


def keep_blocks(topic: Topic, subject: Subject, folder: Path) -> Topic:
    """The topic with its blocks copied into the run's folder, where it finds them from now on.

    Raises BadInput when a file changed since it was read.
    """
    kept = []
    for block in brought(subject).values():
        target = folder / FOLDER / f"{block.name}.py"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(block.file.read_bytes())
        if file_digest(target) != block.digest:
            raise BadInput(f"{block.file.name} changed while the run began", "start it again")
        kept.append(f"{FOLDER}/{target.name}")
    return topic.model_copy(update={"blocks": tuple(kept)})


def block_facts(subject: Subject) -> list[JsonValue]:
    """What run.json says of them. file: below the run's folder. The words fit on printed lines."""
    return [
        {
            "name": block.name,
            "label": block.label,
            "file": f"{FOLDER}/{block.name}.py",
            "digest": block.digest,
            "digest_in_words": " ".join(textwrap.wrap(block.digest, 8)),
            "mixes": block.mixes,
        }
        for block in brought(subject).values()
    ]


def check_unchanged(facts: Mapping[str, JsonValue], subject: Subject) -> None:
    """Raise CannotResume when the run's blocks are not those that it began with."""
    if facts.get("blocks", []) != block_facts(subject):
        raise CannotResume(
            f"{facts['id']}: its {FOLDER}/ are not the files that it began with",
            "restore them from a copy, or start a new run",
        )


def _check_words(block: OwnBlock) -> None:
    """A paper's prose names the block, and in prose every number is a measured one."""
    from papers.review.printed import NUMBER_WORDS

    if set(block.name.split("_")) & {"zero", "one", *NUMBER_WORDS}:
        raise BadInput(
            f"{block.file.name}: the block's name {block.name!r} has a number in it",
            "choose another, for papers print it within sentences",
        )
