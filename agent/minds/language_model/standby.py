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
    RequestTooLong,
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
    RequestTooLong: "the request did not fit into its context",
    MindFailed: "it gave no usable reply",
}
"""In words of our own and without digits, for papers print failures."""


@dataclass
class Standby:
    """gone: why the model is not asked again in this session; empty while it is."""

    ledger: Ledger
    gone: str = ""
    unreached: int = 0

    def either(
        self,
        request: str,
        model: Callable[[], R],
        builtin: Callable[[], R],
        *,
        spent_ends: bool = True,
    ) -> R:
        """The model's answer; the built-in mind's where the model fails or is gone.

        request: what was asked for, in words without digits. spent_ends: a spent budget ends the
        model's part; otherwise it is asked again for what may be had for less, or from the share
        that is kept for the report. Errors other than those of minds and of the budget are not
        caught.
        """
        if self.gone:
            self.record(request, self.gone, "")
            return builtin()
        try:
            answer = model()
        except (MindFailed, BudgetSpent) as error:
            self._failed(request, error, spent_ends)
            return builtin()
        self.unreached = 0
        return answer

    def tried(self, model: Callable[[], R], without: Callable[[str], R]) -> R:
        """The model's answer, or what `without` makes of the reason why there is none.

        For what nobody stands in for: no failure is recorded, so the caller has to say it.
        """
        if self.gone:
            return without(self.gone)
        try:
            answer = model()
        except (MindFailed, BudgetSpent) as error:
            return without(self._reason(error))
        self.unreached = 0
        return answer

    def _failed(self, request: str, error: HanjiError, spent_ends: bool) -> None:
        self.record(request, self._reason(error, spent_ends), error.what, error.fix)

    def _reason(self, error: HanjiError, spent_ends: bool = True) -> str:
        """Why, in words; from some faults on the model is not asked again."""
        reason = next(words for kind, words in _REASONS.items() if isinstance(error, kind))
        self.unreached = self.unreached + 1 if isinstance(error, EndpointUnreachable) else 0
        ends = isinstance(error, EndpointRefused) or self.unreached >= UNREACHED
        if ends or (spent_ends and isinstance(error, BudgetSpent)):
            self.gone = reason
        return reason

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


def by_reason(failed: Mapping[str, str]) -> dict[str, list[str]]:
    """Why the model's part was not used -> of which requests. failed: request -> why."""
    reasons: dict[str, list[str]] = {}
    for request, why in failed.items():
        reasons.setdefault(why, []).append(request)
    return reasons


def failures(ledger: Ledger) -> dict[str, str]:
    """Request -> why the built-in mind did it, over all sessions of the run."""
    found = {}
    for line in ledger.lines(FailureLine):
        request, _, rest = line.what.partition(": ")
        if line.stage == STAGE:
            found[request] = rest.partition(";")[0]
    return found
