"""What is reviewed: a paper, and the run behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from papers.bibliography import Reference
from papers.manuscript import Manuscript
from papers.numbers import Numbers
from papers.prose import Plain, pieces
from papers.prose import Reference as Filled
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, HypothesisLine, PlanLine


@dataclass(frozen=True)
class PlannedArm:
    """An arm as its frozen plan has it."""

    name: str
    label: str
    tool: str
    role: str
    arguments: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Case:
    """The paper and its run.

    facts: run.json. plans: experiment id -> frozen plan. folder: the built paper (paper.tex,
    paper.pdf, figures/), None before a build. problems: what the build reported, None before one.
    """

    manuscript: Manuscript
    ledger: Ledger
    facts: Mapping[str, JsonValue]
    plans: Mapping[str, JsonValue]
    references: Sequence[Reference]
    folder: Path | None = None
    problems: tuple[str, ...] | None = None

    @cached_property
    def numbers(self) -> Numbers:
        """Values of this run by reference."""
        return Numbers(
            self.ledger, self.facts, self.plans, references=len(self.manuscript.bibliography)
        )

    @cached_property
    def hypotheses(self) -> list[HypothesisLine]:
        """All that were stated, oldest first."""
        return self.ledger.lines(HypothesisLine)

    @cached_property
    def titles(self) -> dict[str, str]:
        """Section label -> its title."""
        return {section.label: section.title for section in self.manuscript.sections}

    @cached_property
    def arms(self) -> dict[str, PlannedArm]:
        """Every planned arm by name; the first plan that has it wins."""
        found: dict[str, PlannedArm] = {}
        for line in self.ledger.lines(PlanLine):
            plan = self.plans.get(line.id)
            bodies = plan.get("arms") if isinstance(plan, dict) else None
            for body in bodies if isinstance(bodies, list) else ():
                if isinstance(body, dict):
                    arguments = body.get("arguments")
                    arm = PlannedArm(
                        name=str(body["name"]),
                        label=str(body["label"]),
                        tool=str(body["tool"]),
                        role=str(body["role"]),
                        arguments=arguments if isinstance(arguments, dict) else {},
                    )
                    found.setdefault(arm.name, arm)
        return found

    @cached_property
    def evidence(self) -> dict[tuple[str, str, str, str], list[EvidenceLine]]:
        """(arm, task, split, metric) -> its values over seeds."""
        found: dict[tuple[str, str, str, str], list[EvidenceLine]] = {}
        for line in self.ledger.lines(EvidenceLine):
            found.setdefault((line.arm, line.task, line.split, line.metric), []).append(line)
        return found

    def shown(self, text: str) -> str:
        """The text with its values filled in; citations, labels and formulas left out."""
        parts = [
            piece.text if isinstance(piece, Plain) else self.numbers.render(piece.body).text
            for piece in pieces(text)
            if isinstance(piece, Plain | Filled)
        ]
        return "".join(parts).strip()

    def own_words(self, text: str) -> str:
        """The text without the statements and reasons of hypotheses, which it quotes."""
        for line in self.hypotheses:
            for quotation in (line.statement, line.rationale):
                text = text.replace(quotation, " ") if quotation else text
        return " ".join(text.split())

    def replicates(self, line: EvidenceLine) -> int:
        """How many seeds measured the same quantity."""
        key = (line.arm, line.task, line.split, line.metric)
        return len({other.seed for other in self.evidence[key]})

    @cached_property
    def primary(self) -> str:
        """Name of the primary task."""
        subject = self.facts.get("subject")
        return str(subject["primary"]) if isinstance(subject, dict) else ""

    @cached_property
    def roles(self) -> list[Mapping[str, JsonValue]]:
        """The models of the subject, as in run.json."""
        subject = self.facts.get("subject")
        roles = subject.get("roles") if isinstance(subject, dict) else None
        return [r for r in roles if isinstance(r, dict)] if isinstance(roles, list) else []

    @cached_property
    def tasks(self) -> list[Mapping[str, JsonValue]]:
        """The tasks of the subject, as in run.json."""
        subject = self.facts.get("subject")
        tasks = subject.get("tasks") if isinstance(subject, dict) else None
        return [t for t in tasks if isinstance(t, dict)] if isinstance(tasks, list) else []
