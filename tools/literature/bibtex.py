"""BibTeX: read strictly for the embedded file, leniently for a person's own, and written anew."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.errors import BadInput
from tools.literature.entry import Entry

_VENUES = ("journal", "journaltitle", "booktitle", "publisher", "school", "institution")
_NEEDED = ("title", "author", "year")
_SPECIAL = {
    "\\": r"\textbackslash ",
    "^": r"\textasciicircum ",
    "~": r"\textasciitilde ",
    "{": "",
    "}": "",
} | {letter: f"\\{letter}" for letter in "#$%&_"}
_MOST_BYTES = 32 << 20
MOST_ABSTRACT = 5000


@dataclass(frozen=True)
class Read:
    """What a file gave. skipped: what it holds that could not be used, one sentence each."""

    entries: tuple[Entry, ...]
    skipped: tuple[str, ...] = ()


def read_embedded(path: Path) -> list[Entry]:
    """Every entry, its BibTeX as it stands. Raises BadInput naming what cannot be used."""
    read = _parse(path.read_text(encoding="utf-8"), path.name)
    if read.skipped:
        raise BadInput(read.skipped[0], "mend or remove it")
    return list(read.entries)


def read_own(path: Path) -> Read:
    """A person's file: what cannot be used is skipped and said.

    Its BibTeX is written anew from the plain fields: what a stranger's file holds is never set as
    TeX. Raises BadInput for a file that is not text.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise BadInput(f"{path.name} is larger than 32 MiB", "split it")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not text: {error}", "save it as UTF-8") from error
    read = _parse(text, path.name)
    about = f"own BibTeX file {path.name}, as the person gave it"
    return replace(read, entries=tuple(rewritten(entry, about) for entry in read.entries))


def rewritten(entry: Entry, verified: str) -> Entry:
    """The entry with BibTeX made of its plain fields, and where it is verified."""
    return replace(entry, verified=verified, bibtex=written(entry))


def written(entry: Entry) -> str:
    """A BibTeX entry of plain text: no control sequence of the source survives."""
    kind, _, number = entry.identifier.partition(":")
    fields = {
        "title": _protected(entry.title),
        "author": " and ".join(_plain_tex(_family_first(name)) for name in entry.authors),
        "year": str(entry.year),
        "journal": _plain_tex(entry.venue),
        "doi": _plain_tex(number) if kind == "doi" else "",
        "eprint": _plain_tex(number) if kind == "arXiv" else "",
        "archivePrefix": "arXiv" if kind == "arXiv" else "",
    }
    lines = [f"  {name:<13} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{'article' if entry.venue else 'misc'}{{{entry.key},\n" + ",\n".join(lines) + "\n}\n"


def _parse(text: str, file: str) -> Read:
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.middlewares import LatexDecodingMiddleware

    parsed = parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    entries, skipped = [], []
    for failed in parsed.failed_blocks:
        line = (failed.start_line or 0) + 1
        skipped.append(f"{file}: line {line} is not a BibTeX entry")
    for block in parsed.entries:
        fields = {field.key.lower(): _spaced(str(field.value)) for field in block.fields}
        entry = _entry(file, block.key, block.raw or "", fields)
        if isinstance(entry, Entry):
            entries.append(entry)
        else:
            skipped.append(entry)
    return Read(tuple(entries), tuple(skipped))


def _entry(file: str, key: str, raw: str, fields: dict[str, str]) -> Entry | str:
    """The entry, or why there is none."""
    fields.setdefault("year", fields.get("date", "")[:4])
    missing = [name for name in _NEEDED if not fields.get(name)]
    if missing:
        return f"{file}: {key} has no {missing[0]}"
    year = re.fullmatch(r"(?:1[5-9]|20)\d\d", fields["year"])
    if year is None:
        return f"{file}: {key} has no year but {fields['year'][:20]!r}"
    venue = next((fields[name] for name in _VENUES if fields.get(name)), "")
    preprint = fields.get("eprint")
    words = re.split(r"[,;]", fields.get("keywords", ""))
    return Entry(
        key=key,
        title=fields["title"],
        authors=tuple(_first_last(n) for n in re.split(r"\s+and\s+", fields["author"])),
        year=int(year[0]),
        venue=venue or ("arXiv" if preprint else ""),
        identifier=_identifier(fields),
        keywords=tuple(word.strip() for word in words if word.strip()),
        verified=fields.get("verified", ""),
        bibtex=raw.strip() + "\n",
        about=fields.get("abstract", "")[:MOST_ABSTRACT],
    )


def _identifier(fields: dict[str, str]) -> str:
    if fields.get("doi"):
        return f"doi:{re.sub(r'^https?://(dx[.])?doi[.]org/', '', fields['doi'])}"
    return f"arXiv:{fields['eprint']}" if fields.get("eprint") else ""


def _first_last(name: str) -> str:
    """Turn "Last, First" round."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else name.strip()


def _family_first(name: str) -> str:
    first, _, last = name.rpartition(" ")
    return f"{last}, {first}" if first else name


def _protected(title: str) -> str:
    """Words with capitals inside keep them: bibliography styles lower the others."""
    words = (_plain_tex(word) for word in title.split())
    return " ".join(f"{{{w}}}" if re.search(r"\w[A-Z]|\d", w) else w for w in words)


def _plain_tex(text: str) -> str:
    printable = "".join(letter for letter in text if letter.isprintable())
    return "".join(_SPECIAL.get(letter, letter) for letter in printable)


def _spaced(text: str) -> str:
    return " ".join(text.split())
