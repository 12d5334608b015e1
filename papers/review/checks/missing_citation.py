"""Works that are cited and unknown, used and not cited, or too few."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import passages, quoted

LEAST_REFERENCES = 15
# What a text may name -> what the title of the work that it comes from contains.
ORIGINS = {
    r"\bCMA-ES\b": r"CMA Evolution Strategy|Completely Derandomized",
    r"\bTIES\b": r"TIES-Merging",
    r"\bDARE\b": r"Super Mario",
    r"\bSLERP\b": r"Quaternion",
    r"\b[Tt]ask arithmetic\b": r"Task Arithmetic",
    r"\bHolm\b": r"Sequentially Rejective",
    r"\bbootstrap\b": r"Bootstrap",
    r"\bmodel soups?\b": r"Model Soups",
}


@check("missing_citation")
def missing_citation(case: Case) -> Iterable[Finding]:
    """A citation key is unknown, a named method lacks its source, or the references are few."""
    known = {reference.key for reference in case.references}
    listed = case.manuscript.bibliography
    cited: dict[str, str] = {}
    for passage in passages(case.manuscript):
        for reference in quoted(passage):
            if reference.source in ("cite", "citep"):
                for key in reference.name.split(","):
                    cited.setdefault(key.strip(), passage.quote(reference.body))
    for key, where in {**dict.fromkeys(listed, "bibliography"), **cited}.items():
        if key not in known:
            fix = "cite keys of the run's library only"
            mend = Mend(action="drop-key", old=key)
            yield found(where, f"no work has the key {key}", fix, mend)
        elif key not in listed:
            yield found("bibliography", f"{key} is cited and not listed", f"list {key}")
    if len(known.intersection(cited)) < LEAST_REFERENCES:
        yield found(
            "bibliography",
            f"works cited: {len(known.intersection(cited))}; a paper cites {LEAST_REFERENCES}",
            "relate the work to the library's entries",
            severity="major",
        )
    yield from _origins(case, set(cited))


def _origins(case: Case, cited: set[str]) -> Iterable[Finding]:
    text = " ".join(p.words for p in passages(case.manuscript) if p.role in ("paragraph", "item"))
    for name, title in ORIGINS.items():
        match = re.search(name, text)
        works = [r.key for r in case.references if re.search(title, r.title.replace("{", ""))]
        if match and works and not cited.intersection(works):
            yield found(
                "bibliography",
                f"{match.group(0)} is named and its source is not cited",
                f"cite {works[0]} where it is first named",
                severity="major",
            )
