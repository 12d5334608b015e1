"""The literature of a run: the embedded library, the person's own files, and arXiv if allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from agent.lab import Lab
from agent.settings import Settings
from agent.topic import Topic
from sandbox.errors import CannotResume
from sandbox.records import HypothesisLine, NoveltyLine
from tools.folder_digest import file_digest
from tools.literature.arxiv import Arxiv, kept_works
from tools.literature.library import EMBEDDED, Library
from tools.literature.novelty import novelty
from tools.literature.own import KEPT, Brought, keep, read_kept

FOLDER = "literature"
OWN = "the person's own files"
CLOSED = "the topic allows no network"


def keep_literature(brought: Brought, topic: Topic, folder: Path) -> Topic:
    """The topic with the person's works kept in the run's folder, where it finds them from now on.

    The files themselves are needed no more.
    """
    if not brought.names:
        return topic
    keep(brought.entries, folder / FOLDER / KEPT)
    return topic.model_copy(update={"literature": (f"{FOLDER}/{KEPT}",)})


def literature_facts(brought: Brought, topic: Topic, folder: Path) -> dict[str, JsonValue]:
    """What run.json says of them. skipped: what the files hold that could not be used."""
    facts: dict[str, JsonValue] = {"network": topic.network}
    if brought.names:
        facts |= {
            "file": f"{FOLDER}/{KEPT}",
            "digest": file_digest(folder / FOLDER / KEPT),
            "files": list(brought.names),
            "works": len(brought.entries),
            "citable": sum(entry.citable for entry in brought.entries),
            "skipped": list(brought.skipped),
        }
    return facts


def library_of(
    folder: Path, topic: Topic, settings: Settings, facts: Mapping[str, JsonValue]
) -> Library:
    """The run's library. Raises CannotResume when what it keeps is not what it began with."""
    said, kept = facts.get("literature"), folder / FOLDER / KEPT
    digest = said.get("digest") if isinstance(said, dict) else None
    brought = digest is not None
    if brought and (not kept.is_file() or digest != file_digest(kept)):
        raise CannotResume(
            f"{folder.name}: {FOLDER}/{KEPT} is not the file that it began with",
            "restore it from a copy, or start a new run",
        )
    found = folder / FOLDER / "arxiv"
    library = Library(
        Library.embedded().entries(),
        local=(EMBEDDED, OWN) if brought else (EMBEDDED,),
        sources=(Arxiv(settings.cache / "arxiv", found, settings.arxiv),) if topic.network else (),
        closed={} if topic.network else {Arxiv.name: CLOSED},
    )
    library.add(read_kept(kept) if brought else ())
    library.add(kept_works(found))
    return library


def record_nearest(lab: Lab, hypotheses: Sequence[HypothesisLine]) -> None:
    """Look for the works nearest to each hypothesis, once; the paper's appendix lists them."""
    looked = {line.hypothesis for line in lab.ledger.lines(NoveltyLine)}
    for line in hypotheses:
        if line.id not in looked:
            statement = f"{line.title}. {line.statement}"
            lab.ledger.append(novelty(line.id, statement, lab.library))


def left_out(lab: Lab) -> tuple[str, ...]:
    """What could not be used of the person's files, one sentence each."""
    said = lab.facts.get("literature")
    skipped = said.get("skipped", []) if isinstance(said, dict) else []
    return tuple(map(str, skipped)) if isinstance(skipped, list) else ()
