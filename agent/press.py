"""The paper on disk: its manuscript, its references, its build."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from agent.findings import plan_bodies
from agent.lab import Lab
from papers.bibliography import Reference
from papers.manuscript import Manuscript
from tools.atomic import write_atomically
from tools.literature.library import Entry

if TYPE_CHECKING:
    from papers.build import Built
    from papers.review.case import Case


class Press:
    """Reads and writes `paper/` of one run."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.folder = lab.folder / "paper"

    def set(self, manuscript: Manuscript) -> None:
        """Write the manuscript down and build it.

        What could not be built is recorded as a failure.
        """
        text = manuscript.model_dump_json(indent=1) + "\n"
        write_atomically(self.folder / "manuscript.json", text)
        built = self._build(manuscript)
        problems = json.dumps(list(built.problems), ensure_ascii=False)
        write_atomically(self.folder / "problems.json", problems + "\n")
        for problem in built.problems if built.pdf is None else ():
            self._lab.failed("paper", problem)

    def manuscript(self) -> Manuscript:
        """The manuscript as it stands."""
        return Manuscript.model_validate_json((self.folder / "manuscript.json").read_bytes())

    def is_built(self) -> bool:
        """Whether the last build was finished and is of the manuscript as it stands."""
        manifest = self.folder / "manifest.json"
        if not manifest.is_file():
            return False
        built = json.loads(manifest.read_text(encoding="utf-8"))["manuscript"]
        return bool(built == self.manuscript().digest)

    def case(self) -> Case:
        """What a review looks at."""
        from papers.review.case import Case

        manuscript = self.manuscript()
        problems = json.loads((self.folder / "problems.json").read_text(encoding="utf-8"))
        return Case(
            manuscript=manuscript,
            ledger=self._lab.ledger,
            facts=self._lab.facts,
            plans=plan_bodies(self._lab),
            references=self.references(manuscript),
            folder=self.folder,
            problems=tuple(problems),
        )

    def references(self, manuscript: Manuscript) -> list[Reference]:
        """The cited works that the library has; a missing one is the review's to find."""
        known = set(self._lab.library.keys())
        keys = [key for key in manuscript.bibliography if key in known]
        return [reference_of(self._lab.library.entry(key)) for key in keys]

    def _build(self, manuscript: Manuscript) -> Built:
        from papers.build import build
        from papers.numbers import Numbers

        lab = self._lab
        numbers = Numbers(
            lab.ledger, lab.facts, plan_bodies(lab), references=len(manuscript.bibliography)
        )
        references = self.references(manuscript)
        return build(manuscript, numbers, references, self.folder, lab.press)


def reference_of(entry: Entry) -> Reference:
    """The library's entry as papers want it, with authors as "Family, Given"."""
    families = _family_lengths(entry.bibtex)
    authors = [
        _family_first(name, families[i] if i < len(families) else 1)
        for i, name in enumerate(entry.authors)
    ]
    return Reference(
        key=entry.key,
        title=entry.title,
        authors=tuple(authors),
        year=entry.year,
        venue=entry.venue,
        identifier=entry.identifier,
        bibtex=entry.bibtex,
    )


def _family_lengths(bibtex: str) -> list[int]:
    """Words in each author's family name, as the entry writes them before the comma."""
    field = re.search(r"author\s*=\s*\{(.*?)\},?\s*\n", bibtex, re.DOTALL)
    names = re.split(r"\s+and\s+", field[1]) if field else []
    return [len(name.split(",")[0].split()) if "," in name else 1 for name in names]


def _family_first(name: str, words: int) -> str:
    parts = name.split()
    if len(parts) <= words:
        return name
    return f"{' '.join(parts[-words:])}, {' '.join(parts[:-words])}"
