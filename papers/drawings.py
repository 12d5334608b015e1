"""The ways to draw a figure.

Colours: Okabe & Ito's palette for every kind of sight; marks, lines and hatches differ for grey.
"""

from __future__ import annotations

import itertools
import textwrap
from itertools import cycle
from typing import TYPE_CHECKING

from papers.figures import Curve, Plot, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_INK = "#222222"
_FAINT = "#9AA5B1"
_GRID = "#E3E6EA"
_WIDE_IN = 5.0
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "oo", "++")


def _axes(plot: Plot, height_in: float) -> tuple[Canvas, Axes]:
    from matplotlib.figure import Figure as Canvas
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    space = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02)
    canvas = Canvas(figsize=(plot.width_in, height_in), layout=space)
    axes = canvas.add_subplot()
    axes.set_xlabel(_titled(plot.x_label, plot, of_y=False))
    axes.set_ylabel(_titled(plot.y_label, plot, of_y=True))
    return canvas, axes


def _titled(label: str, plot: Plot, of_y: bool) -> str:
    """An axis label; effects are drawn in percentage points, so their axis says so."""
    effects_here = plot.unit == "points" and label and (not of_y or not plot.x_label)
    return f"{label} (percentage points)" if effects_here else label


def _wrapped(label: str, letters: int = 24) -> str:
    return "\n".join(textwrap.wrap(label, letters, break_long_words=False))


def _name_rows(axes: Axes, names: tuple[str, ...], letters: int = 24) -> None:
    """Category names on the y axis, the first on top."""
    axes.set_yticks(range(len(names)), [_wrapped(name, letters) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=_GRID, linewidth=0.6)
    axes.spines["left"].set_visible(False)


def _legend_above(axes: Axes, columns: int, first: str = "") -> None:
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i] != first)
    axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncol=columns,
        handlelength=1.6,
        columnspacing=1.2,
        borderaxespad=0.2,
        handletextpad=0.5,
    )


def _ranges(curve: Curve, places: list[int]) -> list[list[float]]:
    """Distances from y to low and high, as error bars want them."""
    return [
        [curve.y[i] - curve.low[i] for i in places],
        [curve.high[i] - curve.y[i] for i in places],
    ]


@drawing("intervals")
def intervals(plot: Plot) -> Canvas:
    """Dots with intervals, highest on top; further series are single seeds, faint."""
    main, *seeds = plot.curves
    order = sorted(range(len(main.x)), key=lambda i: -main.y[i])
    row = {main.x[i]: place for place, i in enumerate(order)}
    # Rows are as high as the tallest pair of neighbouring labels needs.
    tall = [_wrapped(main.x[i]).count("\n") + 1 for i in order]
    pairs = [(a + b) / 2 for a, b in itertools.pairwise(tall)] or [1.0]
    canvas, axes = _axes(plot, max(0.23, 0.125 * max(pairs)) * len(order) + 0.55)
    for curve in seeds:
        rows = [row[x] + 0.0 for x in curve.x]
        axes.plot(curve.y, rows, "o", ms=2.6, mfc="none", mec=_FAINT, mew=0.6, zorder=1)
    for place, i in enumerate(order):
        if main.low:
            axes.plot([main.low[i], main.high[i]], [place, place], "-", color=PALETTE[0], lw=1.4)
        axes.plot([main.y[i]], [place], "o", ms=4.2, color=PALETTE[0], zorder=3)
    _name_rows(axes, tuple(main.x[i] for i in order))
    return canvas


@drawing("forest")
def forest(plot: Plot) -> Canvas:
    """Effects with intervals, one row each; further series are marks (null, predicted)."""
    main, *marks = plot.curves
    rows = {x: i for i, x in enumerate(main.x)}
    letters = 24 if plot.width_in < _WIDE_IN else 64
    lines = max(_wrapped(x, letters).count("\n") + 1 for x in main.x)
    canvas, axes = _axes(plot, (0.16 + 0.12 * lines) * len(rows) + 0.75)
    axes.axvline(0.0, color=_INK, lw=0.6, zorder=0)
    places = list(range(len(main.x)))
    axes.errorbar(
        main.y, places, xerr=_ranges(main, places) if main.low else None, fmt="o", ms=4.2,
        color=PALETTE[0], lw=1.4, label=main.label,
    )  # fmt: skip
    for curve in marks:
        null = "null" in curve.label
        axes.plot(
            curve.y, [rows[x] for x in curve.x], "|" if null else "D", ms=8 if null else 4,
            color=_INK if null else PALETTE[1], mfc="none", mew=1.0, ls="none", label=curve.label,
        )  # fmt: skip
    _name_rows(axes, main.x, letters)
    _legend_above(axes, len(plot.curves), first=main.label)
    return canvas


@drawing("curves")
def curves(plot: Plot) -> Canvas:
    """Lines with bands; the x axis is logarithmic when it spans more than a factor of fifty."""
    canvas, axes = _axes(plot, 2.25)
    for curve, colour, line, mark in zip(plot.curves, cycle(PALETTE), cycle(_LINES), cycle(_MARKS),
                                         strict=False):  # fmt: skip
        axes.plot(curve.at, curve.y, color=colour, ls=line, marker=mark, ms=2.6, lw=1.3,
                  label=curve.label)  # fmt: skip
        if curve.low:
            axes.fill_between(curve.at, curve.low, curve.high, color=colour, alpha=0.14, lw=0)
    every = [x for curve in plot.curves for x in curve.at]
    if min(every) > 0 and max(every) / min(every) > 50:
        _log_axis(axes, min(every), max(every))
    axes.grid(color=_GRID, linewidth=0.6)
    axes.legend(loc="best", handlelength=2.4)
    return canvas


def _log_axis(axes: Axes, least: float, most: float) -> None:
    """Powers of ten, and the last point, in plain figures."""
    axes.set_xscale("log")
    ticks = [float(10**k) for k in range(7) if least <= 10**k <= most]
    if most > 2 * ticks[-1]:
        ticks.append(most)
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.set_xticks([], minor=True)


@drawing("heatmap")
def heatmap(plot: Plot) -> Canvas:
    """One row a series, one column an x; the value stands in every cell."""
    grid = [list(curve.y) for curve in plot.curves]
    columns = plot.curves[0].x
    canvas, axes = _axes(plot, 0.3 * len(grid) + 0.95)
    top = max(abs(value) for row in grid for value in row) or 1.0
    mixed = any(value < 0 for row in grid for value in row)
    image = axes.imshow(
        grid, aspect="auto", cmap="RdBu_r" if mixed else "Blues", vmin=-top if mixed else 0.0,
        vmax=top,
    )  # fmt: skip
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            dark = abs(value) > 0.6 * top
            axes.text(j, i, f"{value:.2f}".replace("-", "\N{MINUS SIGN}"), ha="center",
                      va="center", fontsize=6.5, color="white" if dark else _INK)  # fmt: skip
    axes.set_xticks(range(len(columns)), columns, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(grid)), [_wrapped(curve.label, 16) for curve in plot.curves])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = canvas.colorbar(image, ax=axes, fraction=0.04, pad=0.015, aspect=12)
    bar.outline.set_visible(False)
    return canvas


@drawing("bars")
def bars(plot: Plot) -> Canvas:
    """Grouped bars from zero, with intervals where given."""
    canvas, axes = _axes(plot, 2.2)
    width = 0.8 / len(plot.curves)
    for place, (curve, colour, hatch) in enumerate(
        zip(plot.curves, cycle(PALETTE), cycle(_HATCHES), strict=False)
    ):
        at = [i + (place - (len(plot.curves) - 1) / 2) * width for i in range(len(curve.x))]
        spread = _ranges(curve, list(range(len(curve.x)))) if curve.low else None
        axes.bar(at, curve.y, width * 0.92, color=colour, hatch=hatch, edgecolor="white", lw=0,
                 yerr=spread, error_kw={"lw": 0.9, "ecolor": _INK}, label=curve.label)  # fmt: skip
    names = plot.curves[0].x
    axes.set_xticks(range(len(names)), [_wrapped(name, 14) for name in names])
    axes.axhline(0.0, color=_INK, lw=0.6)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.tick_params(axis="x", length=0)
    _legend_above(axes, len(plot.curves))
    return canvas


@drawing("paired")
def paired(plot: Plot) -> Canvas:
    """One line a series (a seed) from arm to arm; falling lines are dashed."""
    canvas, axes = _axes(plot, 2.2)
    for curve in plot.curves:
        falls = curve.y[-1] < curve.y[0]
        axes.plot(range(len(curve.x)), curve.y, "o", ls="--" if falls else "-", ms=3.2, lw=1.0,
                  color=PALETTE[1] if falls else PALETTE[0])  # fmt: skip
    names = plot.curves[0].x
    axes.set_xticks(range(len(names)), [_wrapped(name, 18) for name in names])
    axes.set_xlim(-0.35, len(names) - 0.65)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    return canvas


@drawing("scatter")
def scatter(plot: Plot) -> Canvas:
    """Quality against cost, a mark a series; the dashed line joins what nothing beats in both.

    Higher y and lower x are better. The x axis is logarithmic when it spans more than a factor of
    eight.
    """
    return _scattered(plot, 1)


@drawing("scatter-low")
def scatter_low(plot: Plot) -> Canvas:
    """The same where lower y is better, as of bits."""
    return _scattered(plot, -1)


def _scattered(plot: Plot, better: int) -> Canvas:
    canvas, axes = _axes(plot, 2.9)
    points = [(x, y) for curve in plot.curves for x, y in zip(curve.at, curve.y, strict=True)]
    front = _front(points, better)
    axes.plot([x for x, _ in front], [y for _, y in front], "--", color=_FAINT, lw=1.0, zorder=0,
              drawstyle="steps-post")  # fmt: skip
    for number, curve in enumerate(plot.curves):
        places = list(range(len(curve.y)))
        colour = PALETTE[number % len(PALETTE)]
        mark = _MARKS[(number + number // len(PALETTE)) % len(_MARKS)]
        axes.errorbar(
            curve.at, curve.y, yerr=_ranges(curve, places) if curve.low else None, fmt=mark, ms=5.6,
            color=colour, mec=_INK, mew=0.3, lw=0.9, label=_wrapped(curve.label, 34),
        )  # fmt: skip
    least, most = min(x for x, _ in points), max(x for x, _ in points)
    if least > 0 and most > 8 * least:
        _log_scale(axes, least, most)
    axes.grid(color=_GRID, linewidth=0.6)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=1.2, labelspacing=0.55)
    return canvas


def _front(points: list[tuple[float, float]], better: int) -> list[tuple[float, float]]:
    """Points that no other one beats in cost and quality, by cost. better: -1 for lower y."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -better * point[1])):
        if not front or better * y > better * front[-1][1]:
            front.append((x, y))
    return front


def _log_scale(axes: Axes, least: float, most: float) -> None:
    """Doublings or powers of ten in plain figures, whichever are few enough to read."""
    import math

    base = 2.0 if least >= 1 and most < 2**9 * least else 10.0
    low, high = math.floor(math.log(least, base)), math.ceil(math.log(most, base))
    ticks = [base**k for k in range(low, high + 1)]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
