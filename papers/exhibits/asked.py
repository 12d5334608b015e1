"""The plots that a mind asked for while it explored: drawn from evidence, described by template."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from papers.manuscript import Block, Figure, Paragraph, Series
from papers.record_view import RecordView
from sandbox.records import EvidenceLine, PlotLine

METRICS = {"accuracy": "accuracy", "bits": "bits per token"}
"""Metrics in words; others are quoted as they are called."""
UNITS = {"s": "seconds", "number": "value"}
"""Units in words, where they are not words."""
SPLITS = {"test": "test", "dev": "development"}


def asked_for(view: RecordView, shown: Sequence[Block]) -> tuple[Block, ...]:
    """A paragraph that names them and a figure for each; nothing where none was asked for.

    shown: what the paper has anyway, of which none is drawn again.
    """
    there = {_drawn(block) for block in shown if isinstance(block, Figure)}
    lines = view.ledger.lines(PlotLine)
    made = [
        _figure(view, line, f"fig:asked-{ascii_lowercase[at]}") for at, line in enumerate(lines)
    ]
    figures = [figure for figure in made if _drawn(figure) not in there]
    if not figures:
        return ()
    which = " and ".join(f"{{{{ref:{figure.label}}}}}" for figure in figures)
    told = f"The mind asked for {which} while it explored; no test rests on what is shown there."
    return (Paragraph(heading="Plots asked for", text=told), *figures)


def _drawn(figure: Figure) -> tuple[str, frozenset[str]]:
    """The same for figures that show the same means in the same way, in whichever order."""
    return figure.draw, frozenset(figure.series[0].y)


def _figure(view: RecordView, line: PlotLine, label: str) -> Figure:
    at = [_group(line, arm) for arm in line.arms]
    means = Series(
        label="mean",
        x=tuple(view.label(arm) for arm in line.arms),
        y=tuple(f"mean:{group}" for group in at),
        low=tuple(f"low:{group}" for group in at),
        high=tuple(f"high:{group}" for group in at),
    )
    split = SPLITS[line.split]
    task = view.task_title(line.task).replace("|text", "|inline")
    return Figure(
        label=label,
        caption=f"{_quantity(line)} on {task}, {split} items: mean over the seeds of each arm with "
        "its interval, and the single seeds as faint points. The mind asked for this figure while "
        "it explored; it states no test.",
        draw="intervals",
        series=(means, *(_dots(view, line, arm) for arm in line.arms)),
        x_label=_axis(view, line),
        y_label="",
        alt="Dot plot, asked for by the mind, of the means of some arms with their intervals.",
    )


def _dots(view: RecordView, line: PlotLine, arm: str) -> Series:
    seeds = sorted({found.seed for found in _evidence(view, line) if found.arm == arm})
    metric = _suffix(line)
    return Series(
        label="seeds",
        x=tuple(view.label(arm) for _ in seeds),
        y=tuple(f"at:{arm}/{line.task}/{line.split}/{seed}{metric}" for seed in seeds),
    )


def _group(line: PlotLine, arm: str) -> str:
    """The arm's values as an expression names them, as the other figures write it."""
    return f"{arm}/{line.task}/{line.split}{_suffix(line)}"


def _suffix(line: PlotLine) -> str:
    return "" if line.metric == "accuracy" else f"/{line.metric}"


def _quantity(line: PlotLine) -> str:
    """Opens the caption."""
    known = METRICS.get(line.metric)
    return known.capitalize() if known else f"{{{{code:{line.metric}}}}}"


def _axis(view: RecordView, line: PlotLine) -> str:
    """What the axis shows, without a digit that a metric may have in its name."""
    if line.metric in METRICS:
        return f"{SPLITS[line.split]} {METRICS[line.metric]}"
    unit = next(found.unit for found in _evidence(view, line))
    return UNITS.get(unit, unit)


def _evidence(view: RecordView, line: PlotLine) -> list[EvidenceLine]:
    wanted = (line.metric, line.task, line.split)
    return [
        found
        for found in view.ledger.lines(EvidenceLine)
        if (found.metric, found.task, found.split) == wanted and found.arm in line.arms
    ]
