"""A proof of the whole paper with one part rewritten: what the review's own checks would find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import JsonValue

from agent.press import reference_of
from papers.draft import Prose, draft
from papers.review.case import Case
from papers.review.check import all_checks
from papers.review.finding import Finding, Unchecked
from papers.review.panel import consult
from sandbox.ledger import Ledger
from tools.literature.library import Library


@dataclass(frozen=True)
class Proof:
    """The built-in mind's paper is the measure: what is found in it too is no fault of a part."""

    builtin: Prose
    ledger: Ledger
    facts: Mapping[str, JsonValue]
    plans: Mapping[str, JsonValue]
    library: Library

    def faults(self, prose: Prose) -> list[str]:
        """What checks that need no built paper find in this prose and not in the built-in one."""
        return [said for id, said in self._found(prose).items() if id not in self._accepted]

    @cached_property
    def _accepted(self) -> frozenset[str]:
        return frozenset(self._found(self.builtin))

    def _found(self, prose: Prose) -> dict[str, str]:
        """Id -> what was found, of findings that are more than minor and of what was unchecked."""
        case = self._case(prose)
        found: dict[str, str] = {}
        for check in all_checks().values():
            if check.needs_build:
                continue
            result = consult(check, case)
            if isinstance(result, Unchecked):
                found[f"{check.name} unchecked"] = f"{check.name}: {result.reason}"
            else:
                found |= dict(_told(result))
        return found

    def _case(self, prose: Prose) -> Case:
        manuscript = draft(prose, self.ledger, self.facts, self.plans)
        known = set(self.library.keys())
        keys = [key for key in manuscript.bibliography if key in known]
        references = [reference_of(self.library.entry(key)) for key in keys]
        return Case(manuscript, self.ledger, self.facts, self.plans, references)


def _told(findings: Iterable[Finding]) -> Iterable[tuple[str, str]]:
    for finding in findings:
        if finding.severity != "minor":
            yield finding.id, f"{finding.where}: {finding.what} ({finding.fix})"
