"""What a person brings: BibTeX files, PDFs, folders of both, and what a run kept of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sandbox.errors import BadInput
from tools.atomic import write_atomically
from tools.literature.bibtex import Read, read_own
from tools.literature.entry import Entry
from tools.literature.pdf import read_pdfs

KEPT = "works.json"
_ENTRIES = TypeAdapter(tuple[Entry, ...])
_MOST_FILES = 2000


@dataclass(frozen=True)
class Brought:
    """Works of the person's files. names: the files, without their folders."""

    entries: tuple[Entry, ...] = ()
    skipped: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def check_paths(paths: Sequence[str]) -> tuple[Path, ...]:
    """Every file that the paths name, folders opened. Raises BadInput before anything is read."""
    files: list[Path] = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in (".bib", ".pdf"))
            files += [p for p in inside if p.is_file()]
            if not inside:
                raise BadInput(f"{path} holds no .bib and no .pdf file", "name another folder")
        elif not path.is_file():
            raise BadInput(f"literature: {path} does not exist", "mend the path in the topic")
        elif path.suffix.lower() not in (".bib", ".pdf") and path.name != KEPT:
            raise BadInput(f"literature: {path.name} is neither .bib nor .pdf", "export BibTeX")
        else:
            files.append(path)
    if len(files) > _MOST_FILES:
        raise BadInput(f"literature: {len(files)} files, {_MOST_FILES} at most", "name fewer")
    return tuple(dict.fromkeys(files))


def read_brought(paths: Sequence[str]) -> Brought:
    """The works of these files and folders. Raises BadInput for a path that is none."""
    files = check_paths(paths)
    pdfs = [file for file in files if file.suffix.lower() == ".pdf"]
    reads = [read_own(file) for file in files if file.suffix.lower() == ".bib"]
    reads += [Read(read_kept(file)) for file in files if file.name == KEPT]
    reads += [read_pdfs(pdfs)] if pdfs else []
    return Brought(
        entries=tuple(entry for read in reads for entry in read.entries),
        skipped=tuple(reason for read in reads for reason in read.skipped),
        names=tuple(file.name for file in files),
    )


def keep(entries: Iterable[Entry], file: Path) -> None:
    """Write works down, texts and all, so that their files are needed no more."""
    text = _ENTRIES.dump_json(tuple(entries), indent=1).decode()
    write_atomically(file, text + "\n")


def read_kept(file: Path) -> tuple[Entry, ...]:
    """Works that `keep` wrote. Raises BadInput."""
    try:
        return _ENTRIES.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(f"{file.name} does not hold works: {error}", "name the files") from error
