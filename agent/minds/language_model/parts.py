"""The parts of a paper that a model may write, and what each has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from agent.minds.language_model.names import Names
from papers.draft import Passage, Prose
from papers.manuscript import Paragraph

FINDING = "finding"
WORKS = 10
"""Works that a section on related work cites at least."""


@dataclass(frozen=True)
class Part:
    """name: for keys and records. field: of Prose. task: file of its prompt.

    needs: names that it must hold; works: how many it must cite. letter: of the finding that it
    is about, empty for none.
    """

    name: str
    field: str
    task: str
    label: str
    most: int = 4
    needs: tuple[str, ...] = ()
    works: int = 0
    letter: str = ""
    hypothesis: str = ""

    def of(self, prose: Prose) -> Passage:
        """The part as it stands."""
        if self.hypothesis:
            return prose.findings.get(self.hypothesis, ())
        return cast("Passage", getattr(prose, self.field))

    def put(self, prose: Prose, paragraphs: tuple[Paragraph, ...]) -> Prose:
        """The prose with this part rewritten."""
        if self.hypothesis:
            findings = {**prose.findings, self.hypothesis: paragraphs}
            return prose.model_copy(update={"findings": findings})
        return prose.model_copy(update={self.field: paragraphs})


def parts_of(names: Names) -> tuple[Part, ...]:
    """In the order in which they are written: findings first, the abstract last."""
    compared = [k for k, f in names.findings.items() if f.comparison is not None]
    findings = tuple(_finding(names, letter) for letter in names.findings)
    tally = ("run.tally",) if compared else ()
    return (
        *findings,
        Part("overview", "overview", "write_overview", "sec:results", 2, _floats(names)),
        Part("discussion", "discussion", "write_discussion", "sec:discussion"),
        Part("introduction", "introduction", "write_introduction", "sec:introduction"),
        Part("related work", "related_work", "write_related_work", "sec:related", 6, works=WORKS),
        Part("conclusion", "conclusion", "write_conclusion", "sec:conclusion", 2),
        Part("abstract", "abstract", "write_abstract", "abstract", 1, tally),
    )


def _finding(names: Names, letter: str) -> Part:
    id = names.findings[letter].hypothesis.id
    needs = (f"{letter}.hypothesis", f"{letter}.outcome")
    return Part(
        f"{FINDING} {letter}", "findings", "write_finding", f"sec:{id}", 4, needs, 0, letter, id
    )


def _floats(names: Names) -> tuple[str, ...]:
    """Names of the tables and figures that the built-in overview refers to."""
    results = next(s for s in names.paper.sections if s.label == "sec:results")
    text = " ".join(block.text for block in results.blocks if isinstance(block, Paragraph))
    return tuple(
        key
        for key, name in names.known.items()
        if not name.finding and name.text in text and key.split(".")[0] in ("tab", "fig")
    )
