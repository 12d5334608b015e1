"""A language model's share in a run, for SUMMARY.md: what was done in its place, what it cost."""

from __future__ import annotations

from agent.minds.language_model.standby import by_reason, failures
from sandbox.ledger import Ledger
from sandbox.records import CostLine


def told_stand_ins(ledger: Ledger) -> list[str]:
    """A line for each reason why the built-in mind answered, with the requests."""
    return [
        f"- language model: {why}; the built-in mind did "
        f"{'one request' if len(requests) == 1 else f'{len(requests)} requests'} in its place: "
        f"{', '.join(requests)}"
        for why, requests in by_reason(failures(ledger)).items()
    ]


def told_costs(ledger: Ledger) -> list[str]:
    """Tokens and money; a price that nobody knows is not a price of nothing."""
    asked = [line for line in ledger.lines(CostLine) if line.tokens]
    if not asked:
        return []
    tokens, unpriced = sum(c.tokens for c in asked), sum(c.unpriced_tokens for c in asked)
    dollars = f"{sum(c.dollars for c in asked):.2f} dollars"
    if unpriced:
        known = f"{dollars} and an unknown amount" if unpriced < tokens else "an unknown amount"
        dollars = f"{known}: the price of {unpriced:,} tokens is missing"
    often = "one exchange" if len(asked) == 1 else f"{len(asked)} exchanges"
    return [f"- {tokens:,} tokens of a language model in {often}, for {dollars}"]
