"""What a run and a verification say at their end, for people and for machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from agent.columns import columns
from agent.terminal import clock

if TYPE_CHECKING:
    from agent.ending import Ending
    from papers.verify import Verification

HEADLINES = {
    "published": "Published.",
    "failed-review": "FAILED REVIEW: the paper is written, with an open blocking finding.",
    "failed": "The run failed; what happened is in SUMMARY.md.",
    "stopped": "Stopped before a result.",
}


def ending_facts(ending: Ending) -> dict[str, JsonValue]:
    """The line that `hanji run --json` ends with; dollars are null where a price is not known."""
    spend = ending.spend.facts()
    if ending.unpriced_tokens:
        spend["dollars"] = None
    return {
        "run": str(ending.run),
        "status": ending.status,
        "paper": str(ending.paper) if ending.paper else None,
        "verdicts": dict(ending.verdicts),
        "wall_s": round(ending.wall_s, 3),
        "spend": spend,
    }


def ending_words(ending: Ending) -> str:
    """The end of a run on a terminal: what was ruled, where to read it, what to do next."""
    run = Path(ending.run)
    rulings = columns(["", ""], [[ruling, title] for title, ruling in ending.verdicts.items()])
    lines = ["", HEADLINES[ending.status], *([rulings] if ending.verdicts else [])]
    if ending.paper:
        lines.append(f"paper     {ending.paper}")
    if (run / "SUMMARY.md").is_file():
        lines.append(f"summary   {run / 'SUMMARY.md'}")
    lines.append(f"took      {clock(ending.wall_s)}, {ending.spend.trials} trials")
    again = "resume" if ending.status == "stopped" else "verify"
    lines.append(f"next      hanji {again} {run}")
    return "\n".join(lines)


def verification_facts(found: Verification) -> dict[str, JsonValue]:
    """What was checked: chain, evidence and numbers, and every place where one does not hold."""
    return {
        "ok": found.ok,
        "chain": found.chain,
        "evidence": found.evidence,
        "numbers": found.numbers,
        "untraced": list(found.untraced),
        "altered": list(found.altered),
        "places": list(found.places),
        "pdf": found.pdf,
        "unchecked": list(found.unchecked),
    }


def verification_words(found: Verification) -> str:
    """The same for people, the places last."""
    rows = [
        ["ledger's chain", "holds" if found.chain else "BROKEN"],
        ["evidence", "as sealed" if found.evidence else "NOT as sealed, or not reached"],
        ["numbers", f"{found.numbers} traced to evidence"],
        ["untraced", str(len(found.untraced))],
        ["altered", str(len(found.altered))],
        ["PDF", found.pdf],
    ]
    head = "ok" if found.ok else "NOT OK"
    unchecked = [f"unchecked: {what}" for what in found.unchecked]
    return "\n".join([head, columns(["", ""], rows), *found.places, *unchecked])
