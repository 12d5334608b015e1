"""The built-in mind does what the model fails at, and the record says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sandbox.errors import (
    BudgetSpent,
    EndpointRefused,
    EndpointUnreachable,
    HanjiError,
    MindFailed,
    ReplyUnusable,
)
from sandbox.ledger import Ledger
from sandbox.records import DecisionLine, FailureLine, short_id

R = TypeVar("R")
STAGE = "mind"
UNREACHED = 2
"""Requests in a row without an answer, after which the model is not asked again."""
_REASONS: Mapping[type[HanjiError], str] = {
    BudgetSpent: "its share of the budget was spent",
    EndpointRefused: "its server refused to answer",
    EndpointUnreachable: "its server did not answer",
    ReplyUnusable: "its reply was not usable",
    MindFailed: "it gave no usable reply",
}
"""In words of our own and without digits, for papers print failures."""


@dataclass
class Standby:
    """gone: why the model is not asked again in this session; empty while it is."""

    ledger: Ledger
    gone: str = ""
    unreached: int = 0

    def either(self, request: str, model: Callable[[], R], builtin: Callable[[], R]) -> R:
        """The model's answer; the built-in mind's where the model fails or is gone.

        request: what was asked for, in words without digits. Errors other than those of minds and
        of the budget are not caught.
        """
        if self.gone:
            self.record(request, self.gone, "")
            return builtin()
        try:
            answer = model()
        except (MindFailed, BudgetSpent) as error:
            self._failed(request, error)
            return builtin()
        self.unreached = 0
        return answer

    def _failed(self, request: str, error: HanjiError) -> None:
        reason = next(words for kind, words in _REASONS.items() if isinstance(error, kind))
        self.unreached = self.unreached + 1 if isinstance(error, EndpointUnreachable) else 0
        if isinstance(error, EndpointRefused | BudgetSpent) or self.unreached >= UNREACHED:
            self.gone = reason
        self.record(request, reason, error.what, error.fix)

    def record(self, request: str, reason: str, detail: str, fix: str = "") -> None:
        """That the built-in mind answered. detail: may quote the model, so no paper prints it."""
        what = f"{request}: {reason}; the built-in mind did it"
        self.ledger.append(
            FailureLine(id=short_id(["failure", STAGE, what, fix]), stage=STAGE, what=what, fix=fix)
        )
        if detail:
            self.ledger.append(
                DecisionLine(
                    id=short_id(["not used", request, detail]),
                    what=f"not used: {request} of the language model",
                    chosen=("playbook",),
                    why=detail,
                )
            )


def failures(ledger: Ledger) -> dict[str, str]:
    """Request -> why the built-in mind did it, over all sessions of the run."""
    found = {}
    for line in ledger.lines(FailureLine):
        request, _, rest = line.what.partition(": ")
        if line.stage == STAGE:
            found[request] = rest.partition(";")[0]
    return found
