"""The tree of hypotheses, one row each: rounds from left to right, children below their parent."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from papers.drawings import PALETTE
from papers.figures import Curve, Plot, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

INK, EDGE = "#222222", "#7A8591"
ROW_IN, HEAD_IN, FOOT_IN, MARGIN_IN = 0.19, 0.42, 0.04, 0.08
COLUMN_IN, COLUMNS_IN = 0.72, 3.2
"""Width of a round, and of all of them together at most: what is left is for titles."""
TITLE_PT, RELATION_PT = 7.0, 6.0
POINTS_PER_IN = 72.0
MARKS = {
    "supported": ("o", PALETTE[0], PALETTE[0]),
    "refuted": ("X", PALETTE[1], PALETTE[1]),
    "undecided": ("D", "white", PALETTE[2]),
    "untested": ("o", "white", EDGE),
    "answered before": ("s", EDGE, EDGE),
}
"""Verdict -> shape, filling and rim: shapes and fillings differ for grey."""


@drawing("tree")
def tree(plot: Plot) -> Canvas:
    """All nodes come first, then those of each verdict, then pairs of parent and child by relation.

    y is the round. Titles that are too long for their row end in dots.
    """
    from matplotlib.figure import Figure as Canvas

    nodes, *rest = plot.curves
    edges = _edges(rest)
    round_of = dict(zip(nodes.x, nodes.y, strict=True))
    rows = {title: row for row, title in enumerate(_order(nodes.x, edges))}
    place = _columns(round_of)
    height = HEAD_IN + ROW_IN * len(rows) + FOOT_IN
    canvas = Canvas(figsize=(plot.width_in, height))
    axes = canvas.add_axes((0, FOOT_IN / height, 1, ROW_IN * len(rows) / height))
    axes.set_xlim(0, plot.width_in)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.axis("off")
    for child, (parent, relation) in edges.items():
        ends = (place[round_of[parent]], place[round_of[child]])
        _edge(axes, ends, (rows[parent], rows[child]), relation)
    for title, row in rows.items():
        x = place[round_of[title]] + 0.1
        room_in = plot.width_in - x - MARGIN_IN
        axes.text(x, row, _cut(title, room_in), fontsize=TITLE_PT, color=INK, va="center_baseline")
    _marks(axes, rest, rows, {title: place[at] for title, at in round_of.items()})
    _head(axes, place, plot.x_label)
    return canvas


def _edges(curves: list[Curve]) -> dict[str, tuple[str, str]]:
    """Child -> its parent and its relation."""
    related = [curve for curve in curves if curve.label not in MARKS]
    return {
        child: (parent, curve.label)
        for curve in related
        for parent, child in zip(curve.x[::2], curve.x[1::2], strict=True)
    }


def _order(titles: tuple[str, ...], edges: dict[str, tuple[str, str]]) -> list[str]:
    """Every title, each followed by its branch, as they came."""
    found: list[str] = []
    waiting = [title for title in reversed(titles) if title not in edges]
    while waiting:
        title = waiting.pop()
        found.append(title)
        waiting += [child for child in reversed(titles) if edges.get(child, ("",))[0] == title]
    return found


def _columns(round_of: dict[str, float]) -> dict[float, float]:
    """Round -> its place in inches; rounds without a node take none."""
    rounds = sorted(set(round_of.values()))
    width = min(COLUMN_IN, COLUMNS_IN / max(1, len(rounds) - 1))
    return {at: 0.42 + width * column for column, at in enumerate(rounds)}


def _edge(axes: Axes, ends: tuple[float, float], rows: tuple[int, int], relation: str) -> None:
    """Down from the parent, and across to the child, with the relation on it."""
    axes.plot([ends[0], ends[0], ends[1]], [rows[0], rows[1], rows[1]], color=EDGE, lw=0.8,
              zorder=1, solid_joinstyle="round")  # fmt: skip
    axes.text(ends[1] - 0.09, rows[1], relation, fontsize=RELATION_PT, color=INK, style="italic",
              ha="right", va="center_baseline", zorder=2,
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip


def _marks(axes: Axes, curves: list[Curve], rows: dict[str, int], places: dict[str, float]) -> None:
    """The verdicts, with a legend above."""
    for curve in curves:
        if curve.label in MARKS:
            shape, filling, rim = MARKS[curve.label]
            axes.plot([places[x] for x in curve.x], [rows[x] for x in curve.x], shape, ms=5.2,
                      mfc=filling, mec=rim, mew=1.0, ls="none", label=curve.label,
                      zorder=3)  # fmt: skip
    from matplotlib.transforms import ScaledTranslation

    assert axes.figure is not None
    above = axes.transAxes + ScaledTranslation(0, 0.3, axes.figure.dpi_scale_trans)
    axes.legend(loc="center", bbox_to_anchor=(0.5, 1.0), bbox_transform=above, ncol=len(MARKS),
                handletextpad=0.3, columnspacing=1.4)  # fmt: skip


def _head(axes: Axes, place: dict[float, float], word: str) -> None:
    """The rounds, over their columns; 0 is before the first."""
    for at, x in place.items():
        name = f"{at:.0f}" if at else "before"
        axes.text(
            x, -0.85, name, fontsize=RELATION_PT, color=EDGE, ha="center", va="center_baseline"
        )
    axes.text(0.02, -0.85, word, fontsize=RELATION_PT, color=EDGE, va="center_baseline")


def _cut(title: str, room_in: float) -> str:
    """As much of a title as its row has room for, in whole words."""
    words = title.split()
    for count in range(len(words), 1, -1):
        text = " ".join(words[:count]) + (" …" if count < len(words) else "")
        if _width_in(text) <= room_in:
            return text
    return title if not words else f"{words[0]} …"


@lru_cache(maxsize=4096)
def _width_in(text: str) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    face = FontProperties(family="DejaVu Sans", size=TITLE_PT)
    width_pt, _, _ = text_to_path.get_text_width_height_descent(text, face, ismath=False)
    return float(width_pt) / POINTS_PER_IN
