"""Values read from one record of the ledger, looked up by its id."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

from papers.counts import spent
from papers.value import Unit, Value
from sandbox.errors import UnbackedNumber
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    DeviationLine,
    EvidenceLine,
    FailureLine,
    HypothesisLine,
    MemoryLine,
    NoveltyLine,
    TrialLine,
    VerdictLine,
)

_COMPARED = ("effect", "low", "high", "null_effect", "predicted_effect")
_RULED: dict[str, Unit] = {
    "p_support_holm": "p",
    "p_refute_holm": "p",
    "alpha": "number",
    "family_size": "count",
    "ruling": "text",
}
_TRIED: dict[str, Unit] = {
    "wall_s": "s",
    "cpu_s": "s",
    "memory_peak_bytes": "bytes",
    "seed": "number",
    "status": "text",
    "limit": "text",
    "reason": "text",
    "arm": "text",
    "tool": "text",
}
_REMEMBERED = ("run", "title", "statement", "ruling", "family")
_SAID = ("title", "statement", "prediction", "refuted_by", "rationale", "family")


def evidence(ledger: Ledger, rest: str) -> Value:
    """ev:ID. Raises UnbackedNumber with the nearest names."""
    line = ledger.find(EvidenceLine, rest)
    if line is None:
        known = [e.id for e in ledger.lines(EvidenceLine)]
        raise unknown_reference("evidence", rest, known)
    return Value(line.value, line.unit, (f"evidence:{line.id}",), rest)


def comparison(ledger: Ledger, rest: str) -> Value:
    """cmp:ID.FIELD. Raises UnbackedNumber with the nearest names."""
    id, _, field = rest.rpartition(".")
    line = ledger.find(ComparisonLine, id)
    if line is None:
        known = [c.id for c in ledger.lines(ComparisonLine)]
        raise unknown_reference("comparison", id, known)
    units: dict[str, Unit] = {"p_support": "p", "p_refute": "p", "pairs": "count"}
    measured = _unit_of(ledger, line)
    units.update(treatment_mean=measured, control_mean=measured)
    units.update(dict.fromkeys(_COMPARED, "points" if measured == "fraction" else measured))
    if field not in units:
        raise unknown_reference("field of a comparison", field, units)
    sources = (f"comparison:{id}", *(f"evidence:{e}" for e in line.evidence))
    return Value(getattr(line, field), units[field], sources, rest)


def verdict(ledger: Ledger, rest: str) -> Value:
    """verdict:HYPOTHESIS.FIELD; of several verdicts the last.

    Raises UnbackedNumber with the nearest names.
    """
    hypothesis, _, field = rest.rpartition(".")
    verdicts = {line.hypothesis: line for line in ledger.lines(VerdictLine)}
    line = verdicts.get(hypothesis)
    if line is None:
        raise unknown_reference("hypothesis with a verdict", hypothesis, verdicts)
    if field not in _RULED:
        raise unknown_reference("field of a verdict", field, _RULED)
    sources = (f"verdict:{line.id}", f"comparison:{line.comparison}")
    return Value(getattr(line, field), _RULED[field], sources, rest)


def trial(ledger: Ledger, rest: str) -> Value:
    """trial:ID.FIELD. Raises UnbackedNumber with the nearest names."""
    id, _, field = rest.rpartition(".")
    line = ledger.find(TrialLine, id)
    if line is None:
        raise unknown_reference("trial", id, [t.id for t in ledger.lines(TrialLine)])
    if field not in _TRIED:
        raise unknown_reference("field of a trial", field, _TRIED)
    return Value(getattr(line, field), _TRIED[field], (f"trial:{id}",), rest)


def deviation(ledger: Ledger, rest: str) -> Value:
    """deviation:ID, as text. Raises UnbackedNumber with the nearest names."""
    line = ledger.find(DeviationLine, rest)
    if line is None:
        raise unknown_reference("deviation", rest, [d.id for d in ledger.lines(DeviationLine)])
    return Value(f"{line.what}: {line.why}", "text", (f"deviation:{rest}",), rest)


def failure(ledger: Ledger, rest: str) -> Value:
    """failure:ID, as text. Raises UnbackedNumber with the nearest names."""
    line = ledger.find(FailureLine, rest)
    if line is None:
        raise unknown_reference("failure", rest, [f.id for f in ledger.lines(FailureLine)])
    return Value(f"{line.stage}: {line.what}", "text", (f"failure:{rest}",), rest)


def hypothesis(ledger: Ledger, rest: str) -> Value:
    """hypothesis:ID.FIELD, as text. Raises UnbackedNumber with the nearest names."""
    id, _, field = rest.rpartition(".")
    line = ledger.find(HypothesisLine, id)
    if line is None:
        raise unknown_reference("hypothesis", id, [h.id for h in ledger.lines(HypothesisLine)])
    if field == "round":
        return Value(float(line.round), "count", (f"hypothesis:{id}",), rest)
    if field not in _SAID:
        raise unknown_reference("field of a hypothesis", field, (*_SAID, "round"))
    return Value(str(getattr(line, field)), "text", (f"hypothesis:{id}",), rest)


def memory(ledger: Ledger, rest: str) -> Value:
    """memory:ID.FIELD: words, and round, which is before the first.

    Raises UnbackedNumber with the nearest names.
    """
    id, _, field = rest.rpartition(".")
    line = ledger.find(MemoryLine, id)
    if line is None:
        raise unknown_reference("memory", id, [m.id for m in ledger.lines(MemoryLine)])
    if field == "round":
        return Value(0.0, "count", (f"memory:{id}",), rest)
    if field not in _REMEMBERED:
        raise unknown_reference("field of a memory", field, _REMEMBERED)
    return Value(str(getattr(line, field)), "text", (f"memory:{id}",), rest)


def novelty(ledger: Ledger, rest: str) -> Value:
    """novelty:HYPOTHESIS.FIELD, as text. Raises UnbackedNumber with the nearest names."""
    id, _, field = rest.partition(".")
    lines = {line.hypothesis: line for line in ledger.lines(NoveltyLine)}
    line = lines.get(id)
    if line is None:
        raise unknown_reference("hypothesis whose nearest works were looked for", id, lines)
    said = {
        "status": line.status,
        "searched": "; ".join(line.searched),
        "unchecked": "; ".join(line.unchecked),
    }
    for at, work in enumerate(line.works):
        said |= {f"title.{at}": work.title, f"shared.{at}": ", ".join(work.shared)}
    if field not in said:
        raise unknown_reference("field of the nearest works", field, said)
    return Value(said[field], "text", (f"novelty:{line.id}",), rest)


def _unit_of(ledger: Ledger, line: ComparisonLine) -> Unit:
    units = {evidence(ledger, id).unit for id in line.evidence}
    if len(units) != 1:
        raise UnbackedNumber(
            f"comparison {line.id} rests on evidence in {len(units)} units",
            "a comparison needs sealed evidence of one unit",
        )
    return units.pop()


def unknown_reference(kind: str, name: str, known: Iterable[str]) -> UnbackedNumber:
    """The error for a name that the run does not hold, with the nearest that it does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=4, cutoff=0.3) or names[:4]
    fix = f"nearest: {', '.join(near)}" if near else "the run holds none"
    return UnbackedNumber(f"no {kind} {name!r}", fix)


RECORDED: Mapping[str, Callable[[Ledger, str], Value]] = {
    "ev": evidence,
    "cmp": comparison,
    "verdict": verdict,
    "trial": trial,
    "deviation": deviation,
    "failure": failure,
    "hypothesis": hypothesis,
    "memory": memory,
    "novelty": novelty,
    "cost": spent,
}
