"""A run as it lies on disk, read for a review that trusts nothing of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import JsonValue, ValidationError

from papers.bibliography import Reference
from papers.code_facts import with_written
from papers.manuscript import Manuscript
from papers.review.case import Case
from sandbox.errors import PaperError
from sandbox.ledger import Ledger
from sandbox.records import PlanLine

_ENTRY = re.compile(r"^@\w+\s*\{\s*([^,\s]+)\s*,(.*?)^\}", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*?)\}\s*,?\s*$", re.DOTALL | re.MULTILINE)


def case_of(folder: Path, ledger: Ledger) -> Case:
    """The case of a run's folder.

    Raises PaperError when its paper, its plans or run.json cannot be read.
    """
    paper = folder / "paper"
    return Case(
        manuscript=_manuscript(paper / "manuscript.json"),
        ledger=ledger,
        facts=with_written(_facts(folder / "run.json"), ledger),
        plans=plans_of(folder, ledger),
        references=references_of(paper / "references.bib"),
        folder=paper,
        problems=None,
    )


def references_of(path: Path) -> tuple[Reference, ...]:
    """The works of a references.bib: keys, years and texts, enough to account for their numbers."""
    if not path.is_file():
        return ()
    return tuple(
        _reference(match.group(1), match.group(0), dict(_FIELD.findall(match.group(2))))
        for match in _ENTRY.finditer(path.read_text(encoding="utf-8"))
    )


def _reference(key: str, bibtex: str, fields: dict[str, str]) -> Reference:
    years = re.findall(r"\d{4}", fields.get("year", ""))
    return Reference(
        key=key,
        title=_plain(fields.get("title", "")),
        authors=tuple(_plain(name) for name in fields.get("author", "").split(" and ")),
        year=int(years[0]) if years else 0,
        venue=_plain(fields.get("journal", fields.get("booktitle", ""))),
        identifier=f"arXiv:{fields['eprint']}" if "eprint" in fields else "",
        bibtex=bibtex,
    )


def _plain(tex: str) -> str:
    return " ".join(re.sub(r"[{}\\]", "", tex).split())


def _manuscript(path: Path) -> Manuscript:
    try:
        return Manuscript.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        what = f"paper/{path.name} is no manuscript that can be read"
        raise PaperError(what, "restore it from a copy") from error


def _facts(path: Path) -> dict[str, JsonValue]:
    facts = _json(path)
    if not isinstance(facts, dict):
        raise PaperError(f"{path.name} cannot be read", "restore it from a copy")
    return facts


def plans_of(folder: Path, ledger: Ledger) -> dict[str, JsonValue]:
    """Experiment id -> its frozen plan, those that can be read."""
    plans = {line.id: _json(folder / line.file) for line in ledger.lines(PlanLine)}
    return {id: plan for id, plan in plans.items() if plan is not None}


def _json(path: Path) -> JsonValue:
    """None when the file is missing or no JSON."""
    try:
        found: JsonValue = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found
