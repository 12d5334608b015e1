"""A run on the terminal: what it asked, did and found, all of it read from its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from agent.columns import columns
from agent.ending import ending
from agent.farewell import ending_facts
from agent.shelf import reading
from agent.terminal import clock
from papers.effect import unit_after
from sandbox.errors import HanjiError
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    EvidenceLine,
    HypothesisLine,
    Line,
    RunLine,
    TrialLine,
    VerdictLine,
)

PARTS: dict[str, type[Line]] = {
    "hypotheses": HypothesisLine,
    "trials": TrialLine,
    "evidence": EvidenceLine,
}


def run_facts(folder: Path) -> dict[str, JsonValue]:
    """One run as `hanji list --json` gives it; `problem` says why a ledger cannot be read."""
    try:
        with reading(folder) as ledger:
            return ending_facts(ending(folder, ledger))
    except HanjiError as error:
        nothing: dict[str, JsonValue] = {"verdicts": {}, "wall_s": 0.0, "spend": {}}
        head: dict[str, JsonValue] = {"run": str(folder), "status": "failed", "paper": None}
        return head | nothing | {"problem": error.what}


def run_row(facts: dict[str, JsonValue]) -> list[str]:
    """The same as cells of a table: id, status, verdicts counted, wall time."""
    rulings = list(facts["verdicts"].values()) if isinstance(facts["verdicts"], dict) else []
    counted = ", ".join(
        f"{rulings.count(ruling)} {ruling}"
        for ruling in ("supported", "refuted", "inconclusive")
        if ruling in rulings
    )
    wall = facts["wall_s"]
    said = str(facts.get("problem") or counted)
    return [
        Path(str(facts["run"])).name,
        str(facts["status"]),
        said,
        clock(wall if isinstance(wall, float | int) else 0),
    ]


def parts_facts(folder: Path, parts: Sequence[str]) -> dict[str, JsonValue]:
    """The run, and every line of the asked kinds as it stands in the ledger."""
    with reading(folder) as ledger:
        facts = ending_facts(ending(folder, ledger))
        facts["question"] = _question(ledger)
        for part in parts or PARTS:
            lines: list[JsonValue] = [
                line.model_dump(mode="json") for line in ledger.lines(PARTS[part])
            ]
            facts[part] = lines
    return facts


def parts_words(folder: Path, parts: Sequence[str]) -> str:
    """The run on a page, or the tables that were asked for."""
    tables = {"hypotheses": _hypotheses, "trials": _trials, "evidence": _evidence}
    with reading(folder) as ledger:
        if parts:
            return "\n\n".join(tables[part](ledger) for part in parts)
        return f"{_page(folder, ledger)}\n\n{_hypotheses(ledger)}"


def _page(folder: Path, ledger: Ledger) -> str:
    stands = ending(folder, ledger)
    trials = ledger.lines(TrialLine)
    lines = [
        f"question  {_question(ledger)}",
        f"run       {folder}",
        f"status    {stands.status}",
        f"paper     {stands.paper or 'not written'}",
        f"trials    {len(trials)}, of which {sum(t.status != 'ok' for t in trials)} failed",
        f"evidence  {len(ledger.lines(EvidenceLine))} sealed values",
        f"took      {clock(stands.wall_s)}",
    ]
    if stands.status == "stopped":
        lines.append(f"go on     hanji resume {folder.name}")
    return "\n".join(lines)


def _question(ledger: Ledger) -> str:
    """What was asked; empty in a run cut off before its first line."""
    return next((line.question for line in ledger.lines(RunLine)), "")


def _hypotheses(ledger: Ledger) -> str:
    verdicts = {v.hypothesis: v for v in ledger.lines(VerdictLine)}
    comparisons = {c.id: c for c in ledger.lines(ComparisonLine)}
    rows = []
    for line in ledger.lines(HypothesisLine):
        verdict = verdicts.get(line.id)
        effect = _effect(comparisons.get(verdict.comparison)) if verdict else ""
        rows.append([line.id, line.title, verdict.ruling if verdict else "not decided", effect])
    return columns(["hypothesis", "title", "ruling", "effect [95% interval]"], rows)


def _effect(comparison: ComparisonLine | None) -> str:
    if comparison is None:
        return ""
    c = comparison
    unit = unit_after(c.metric)
    return f"{c.effect:+.3f} [{c.low:+.3f}, {c.high:+.3f}]{unit}, {c.pairs} pairs"


def _trials(ledger: Ledger) -> str:
    head = ["trial", "tool", "arm", "seed", "status", "wall s", "cpu s", "isolation", "reason"]
    rows = [
        [
            *(t.id, t.tool, t.arm, str(t.seed), t.status),
            *(f"{t.wall_s:.1f}", f"{t.cpu_s:.1f}", t.isolation, t.reason),
        ]
        for t in ledger.lines(TrialLine)
    ]
    return columns(head, rows)


def _evidence(ledger: Ledger) -> str:
    head = ["evidence", "metric", "task", "split", "arm", "seed", "value", "unit"]
    rows = [
        [e.id, e.metric, e.task, e.split, e.arm, str(e.seed), f"{e.value:.6g}", e.unit]
        for e in ledger.lines(EvidenceLine)
    ]
    return columns(head, rows)
