"""The works that a paper cites, as they were given: this module looks nothing up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.errors import PaperError

_ENTRY = re.compile(r"@(\w+)\s*\{\s*([^,\s]+)\s*,")


@dataclass(frozen=True)
class Reference:
    """One work.

    authors: "Family, Given" each. identifier: `arXiv:2403.13187` or `doi:10...`, "" when it has
    none. bibtex: the whole entry, for references.bib.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    identifier: str
    bibtex: str

    @property
    def short_authors(self) -> str:
        """As in a textual citation: "Akiba et al.", "Hu and Li", "Hansen"."""
        families = [name.split(",")[0].strip() for name in self.authors]
        if len(families) > 2:
            return f"{families[0]} et al."
        return " and ".join(families)

    @property
    def url(self) -> str:
        """Where the work is found, "" when its identifier is of no known kind."""
        kind, _, rest = self.identifier.partition(":")
        if not rest:
            return ""
        return {
            "arxiv": f"https://arxiv.org/abs/{rest}",
            "doi": f"https://doi.org/{rest}",
            "https": self.identifier,
        }.get(kind.lower(), "")


def select(keys: Sequence[str], references: Sequence[Reference]) -> tuple[Reference, ...]:
    """The references of these keys, in order of the keys.

    Raises PaperError when a key is not among them.
    """
    known = {reference.key: reference for reference in references}
    missing = [key for key in keys if key not in known]
    if missing:
        raise PaperError(
            f"the bibliography has no entry for {', '.join(missing)}",
            "cite keys of the run's library only",
        )
    return tuple(known[key] for key in keys)


def bibtex_file(references: Sequence[Reference]) -> str:
    """`references.bib`: every entry once, sorted by key.

    Raises PaperError when an entry's BibTeX does not carry its key.
    """
    entries = []
    for reference in sorted(references, key=lambda r: r.key):
        head = _ENTRY.search(reference.bibtex)
        if head is None or head.group(2) != reference.key:
            raise PaperError(
                f"references.bib: the entry of {reference.key} does not carry that key",
                "give the entry as it stands in the library",
            )
        entries.append(_with_identifier(reference))
    return "\n\n".join(entries) + "\n"


def _with_identifier(reference: Reference) -> str:
    """The entry, with a note of its arXiv number if it would print no identifier at all."""
    entry = reference.bibtex.strip()
    shown = re.search(r"^\s*(doi|url|note|howpublished)\s*=", entry, re.MULTILINE | re.IGNORECASE)
    if shown or not reference.identifier.lower().startswith("arxiv:"):
        return entry
    body = entry.removesuffix("}").rstrip().rstrip(",")
    return f"{body},\n  note = {{{reference.identifier}}}\n}}"
