"""The gate: a known order that a run reproduces before it may call anything new better."""

from __future__ import annotations

from agent.findings import provisional
from agent.lab import Lab
from agent.minds.playbook.family import gates, is_gate
from sandbox.records import DecisionLine, HypothesisLine
from tools.freeze import frozen_plans

FIX = (
    "train longer (profile: standard) or with more seeds; if it fails again, doubt the blocks' code"
)
FIX_UNASKED = "let a mind propose that asks for the known order first, as playbook does"


def missed(lab: Lab) -> str:
    """What of the known order the run did not reproduce; empty when all of it, or none is known.

    Whoever proposed the hypotheses: a part of the gate that was not asked is not reproduced.
    """
    wanted = gates(lab.subject.domain)
    if not wanted:
        return ""
    rulings = provisional(lab, frozen_plans(lab.ledger, lab.folder))
    asked = {line.family: line for line in lab.ledger.lines(HypothesisLine) if not line.relation}
    parts = []
    for family in wanted:
        line = asked.get(family)
        ruling = rulings.get(line.id, "not measured") if line is not None else "not asked"
        if ruling != "supported":
            parts.append(f"{line.title if line is not None else family} ({ruling})")
    return "; ".join(parts).replace("_", " ")


def banner(lab: Lab) -> str:
    """What the first page says when the gate was missed or never asked, without a number."""
    parts = missed(lab)
    if not parts:
        return ""
    lines = lab.ledger.lines(HypothesisLine)
    if not lines:
        why = "; ".join(line.why for line in lab.ledger.lines(DecisionLine))
        return f"GATE NOT RUN: nothing was asked, so the known order was not reproduced: {why}."
    if not is_run(lab):
        return (
            "GATE NOT RUN: this run did not ask for the known order before its own questions. "
            "Nothing in it may be called better."
        )
    alone = all(is_gate(line, lab.subject.domain) for line in lines)
    return (
        f"GATE FAILED: this run did not reproduce the known order{' and stopped there' * alone}. "
        f"Nothing in it may be called better. Not supported: {parts}."
    )


def is_run(lab: Lab) -> bool:
    """Whether any part of the known order was asked."""
    lines = lab.ledger.lines(HypothesisLine)
    return any(is_gate(line, lab.subject.domain) for line in lines)
