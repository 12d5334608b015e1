"""One work of the literature."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One work.

    authors: "First Last", in order. identifier: `doi:...` or `arXiv:...`, empty when it has
    neither.

    keywords: its group and subtopic. verified: where title, identifier and first author were
    confirmed; nothing may cite an entry where it is empty. bibtex: the entry for references.bib,
    empty when it cannot be cited. about: words that the title lacks, or its abstract. text: its
    pages, where they are at hand.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    identifier: str
    keywords: tuple[str, ...]
    verified: str
    bibtex: str
    about: str = ""
    text: str = ""

    @property
    def citable(self) -> bool:
        """Whether a paper may cite it."""
        return bool(self.verified and self.bibtex)

    @property
    def names(self) -> frozenset[str]:
        """What the same work is recognised by: its identifiers without version, its title."""
        found = {plain_title(self.title)}
        if self.identifier:
            found.add(re.sub(r"(?i)^(arxiv:.*?)v\d+$", r"\1", self.identifier).lower())
        preprint = re.search(r"eprint\s*=\s*[{\"]\s*([\w./-]+?)(v\d+)?\s*[}\"]", self.bibtex)
        if preprint:
            found.add(f"arxiv:{preprint[1].lower()}")
        return frozenset(found - {""})


def plain_title(title: str) -> str:
    """The title's letters and digits in lower case, without accents: equal for equal works."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"[\u0300-\u036f]", "", plain)))
