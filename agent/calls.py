"""Calls of the mind in the ledger: what was asked for, and how it ended."""

from __future__ import annotations

from typing import Literal

from agent.lab import Lab
from agent.minds.mind import Call
from sandbox.records import CallLine, short_id

Status = Literal["ok", "refused", "failed"]


def call_line_id(where: str | int, call: Call) -> str:
    """Id of the call's line. where: the round, or the stage that belongs to none."""
    return short_id(["call", where, call.tool, call.arguments])


def log_call(
    lab: Lab,
    where: str | int,
    call: Call,
    status: Status,
    summary: str,
    trials: tuple[str, ...] = (),
) -> None:
    """Record how a call ended, once."""
    line = CallLine(
        id=call_line_id(where, call),
        tool=call.tool,
        arguments=call.arguments,
        mind=lab.mind.name,
        status=status,
        summary=summary,
        trials=trials,
    )
    if lab.ledger.find(CallLine, line.id) is None:
        lab.ledger.append(line)
