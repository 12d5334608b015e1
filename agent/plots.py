"""Plots that a mind asks for: kept in the ledger for the paper, told to the mind in words."""

from __future__ import annotations

from agent.fence import fenced
from agent.findings import plan_bodies
from agent.lab import Lab
from papers.numbers import Numbers
from sandbox.records import PlotLine
from tools.actions.plot import Plotted
from tools.actions.read_evidence import Row


def keep_plot(lab: Lab, found: Plotted) -> str:
    """Record what was asked for, once, and say what the figure will show."""
    if lab.ledger.find(PlotLine, found.request.id) is None:
        lab.ledger.append(found.request)
    asked = "was asked for before and is shown once" if found.again else "is kept for the paper"
    told = f"This plot {asked}; it states no test, and the paper draws no figure twice. "
    told += f"Further plots: {found.left} at most."
    numbers = Numbers(lab.ledger, lab.facts, plan_bodies(lab))
    shared = set.intersection(*(set(row.seeds) for row in found.rows))
    lines = [_told(row, found.request.metric, numbers) for row in found.rows]
    lines.append(f"pairs: {len(shared)} (seeds that all of these arms share)")
    line = found.request
    body = fenced(f"{line.metric} on {line.task}, {line.split}", "\n".join(lines))
    return f"{told}\n{body}"


def _told(row: Row, metric: str, numbers: Numbers) -> str:
    """An arm in words, with the interval that the figure draws."""
    group = f"{row.arm}/{row.task}/{row.split}/{metric}"
    mean, low, high = (
        f"{numbers.resolve(f'{name}:{group}').number:.6g}" for name in ("mean", "low", "high")
    )
    seeds = ", ".join(
        f"seed {seed}: {value:.6g}" for seed, value in zip(row.seeds, row.values, strict=True)
    )
    return f"{row.arm}: mean {mean}, interval {low} to {high}, {len(row.seeds)} seeds ({seeds})"
