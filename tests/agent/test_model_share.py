"""What SUMMARY.md tells of a language model's share."""

from __future__ import annotations

from pathlib import Path

from agent.minds.language_model.standby import Standby
from agent.model_share import told_costs, told_stand_ins
from sandbox.errors import EndpointUnreachable, ReplyUnusable
from sandbox.ledger import Ledger
from sandbox.records import CostLine


def failing(ledger: Ledger, request: str, error: Exception) -> None:
    def model() -> str:
        raise error

    assert Standby(ledger).either(request, model, lambda: "built in") == "built in"


def test_requests_that_failed_alike_are_told_together_with_why(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert told_stand_ins(ledger) == []
    for request in ("survey", "related work"):
        failing(ledger, request, ReplyUnusable("not JSON", "ask again"))
    failing(ledger, "abstract", EndpointUnreachable("gone", "start it"))
    assert told_stand_ins(ledger) == [
        "- language model: its reply was not usable; the built-in mind did 2 requests in its "
        "place: survey, related work",
        "- language model: its server did not answer; the built-in mind did one request in its "
        "place: abstract",
    ]


def test_every_exchange_is_counted_with_its_tokens(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(CostLine(id="stage", what="stage survey", wall_s=1.0))
    assert told_costs(ledger) == []
    for key in ("survey", "propose-1"):
        ledger.append(CostLine(id=key, what=f"mind {key}", tokens=1000, unpriced_tokens=1000))
    [said] = told_costs(ledger)
    assert said.startswith("- 2,000 tokens of a language model in 2 exchanges, for an unknown")
