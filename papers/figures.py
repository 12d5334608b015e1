"""Figures, drawn from references to evidence alone.

A drawing is a function in drawings.py; this module fills in the values, draws, and keeps the data
behind each figure.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from papers.manuscript import Figure, Series
from papers.numbers import Numbers
from papers.typography import typographic
from papers.value import Unit, Value
from papers.visible import Visible
from sandbox.errors import PaperError, UnknownName

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

SOURCES_OF_X = ("mean", "median", "min", "max", "at")
COLUMN_IN = 3.3
WIDE_IN = 6.9
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "hanji",
    "figure.dpi": 100,
}


@dataclass(frozen=True)
class Curve:
    """A series with its values filled in. at: x as numbers, empty when the x are labels.

    An x that refers to a number stays as it was written, and `at` has the number.
    """

    label: str
    x: tuple[str, ...]
    at: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Plot:
    """What a drawing gets.

    unit: of every y; differences of fractions come in percentage points. x_unit: of every x that
    refers to a number, empty where none does.
    """

    curves: tuple[Curve, ...]
    x_label: str
    y_label: str
    width_in: float
    unit: Unit
    x_unit: Unit | Literal[""] = ""


@dataclass(frozen=True)
class Drawn:
    """A figure on disk.

    texts: everything with a digit that it prints. values: what it was drawn from.
    """

    label: str
    pdf: Path
    svg: Path
    data: Path
    texts: tuple[str, ...]
    values: tuple[Value, ...]
    problems: tuple[str, ...]


Drawing = Callable[[Plot], "Canvas"]
_drawings: dict[str, Drawing] = {}


def drawing(name: str) -> Callable[[Drawing], Drawing]:
    """Declare a way to draw; `Figure.draw` names it."""

    def declare(function: Drawing) -> Drawing:
        _drawings[name] = function
        return function

    return declare


def known_drawings() -> Mapping[str, Drawing]:
    """Every drawing, by name."""
    import papers.drawings
    import papers.tree_drawing  # noqa: F401 - importing them declares them

    return dict(sorted(_drawings.items()))


def draw(figure: Figure, numbers: Numbers, folder: Path) -> Drawn:
    """Write `<label>.pdf`, `.svg` and `.json` (the data) into `folder`.

    The same evidence gives the same bytes. Raises UnknownName for the drawing, UnbackedNumber for a
    reference, PaperError for series that do not fit.
    """
    from matplotlib import rc_context

    known = known_drawings()
    if figure.draw not in known:
        raise UnknownName("drawing", figure.draw, list(known))
    plot, values = _plot(figure, numbers)
    folder.mkdir(parents=True, exist_ok=True)
    name = file_name(figure.label)
    style = rc_context(_STYLE)  # type: ignore[arg-type] # its stub wants literal keys
    with style, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        canvas = known[figure.draw](plot)
        texts = _numeric_texts(canvas)
        _save(canvas, folder / name)
    data = folder / f"{name}.json"
    _write_data(data, figure, plot, values, texts)
    return Drawn(
        label=figure.label,
        pdf=folder / f"{name}.pdf",
        svg=folder / f"{name}.svg",
        data=data,
        texts=texts,
        values=values,
        problems=tuple(sorted({f"{figure.label}: {w.message}" for w in caught})),
    )


def file_name(label: str) -> str:
    """`fig:search` -> `fig-search`."""
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-")


def _plot(figure: Figure, numbers: Numbers) -> tuple[Plot, tuple[Value, ...]]:
    along: list[Value] = []
    values: list[Value] = []
    visible = Visible(numbers, {}, ())

    def words(prose: str) -> str:
        """With proper characters in what references stand for too."""
        return typographic(visible.text(prose))

    place, number = _filling(numbers, along), _filling(numbers, values)
    curves = tuple(_curve(series, figure.label, place, number, words) for series in figure.series)
    x_label, y_label = words(figure.x_label), words(figure.y_label)
    width = WIDE_IN if figure.wide else COLUMN_IN
    x_unit = _unit(figure.label, along) if along else ""
    plot = Plot(curves, x_label, y_label, width, _unit(figure.label, values), x_unit)
    return plot, (*along, *values)


def _filling(numbers: Numbers, into: list[Value]) -> Callable[[str], float]:
    """Resolve an expression and keep its value; effects come in percentage points."""

    def number(expression: str) -> float:
        into.append(numbers.resolve(expression))
        shown = into[-1].number
        return 100 * shown if into[-1].unit == "points" else shown

    return number


def _unit(label: str, values: Sequence[Value]) -> Unit:
    """The unit of an axis. Raises PaperError unless all values share one."""
    units = {value.unit for value in values}
    if len(units) != 1:
        raise PaperError(
            f"{label}: its values are in {', '.join(sorted(units)) or 'no unit'}",
            "a figure shows one unit",
        )
    return units.pop()


def places(x: Sequence[str], number: Callable[[str], float]) -> tuple[float, ...]:
    """Where points stand: typed positions, or references to numbers; nothing for labels."""
    if all(re.fullmatch(r"-?\d+(\.\d+)?", each) for each in x):
        return tuple(float(each) for each in x)
    return tuple(number(each) for each in x) if all(map(refers, x)) else ()


def refers(x: str) -> bool:
    """Whether an x is a reference to a number, without braces, and not a label."""
    return re.fullmatch(rf"(?:{'|'.join(SOURCES_OF_X)}):\S+/\S+", x) is not None


def _curve(
    series: Series,
    label: str,
    place: Callable[[str], float],
    number: Callable[[str], float],
    words: Callable[[str], str],
) -> Curve:
    """Fill in a series. Labels are prose: they may quote configured names."""
    for name in ("y", "low", "high"):
        if len(getattr(series, name)) not in (len(series.x), 0 if name != "y" else -1):
            raise PaperError(
                f"{label}: series {series.label!r} has {len(series.x)} x and another number of "
                f"{name}",
                "give one for each x",
            )
    return Curve(
        label=words(series.label),
        x=tuple(words(x) for x in series.x),
        at=places(series.x, place),
        y=tuple(number(e) for e in series.y),
        low=tuple(number(e) for e in series.low),
        high=tuple(number(e) for e in series.high),
    )


def _save(canvas: Canvas, stem: Path) -> None:
    canvas.savefig(
        stem.with_name(f"{stem.name}.pdf"),
        metadata={"CreationDate": None, "Creator": None, "Producer": None},
    )
    canvas.savefig(stem.with_name(f"{stem.name}.svg"), metadata={"Date": None, "Creator": None})


def _numeric_texts(canvas: Canvas) -> tuple[str, ...]:
    """Texts with a digit that are really drawn: ticks outside of the axes are not."""
    from matplotlib.text import Text

    canvas.draw_without_rendering()
    hidden = {label for axes in canvas.axes for label in _outside(axes)}
    texts = [
        t.get_text()
        for t in canvas.findobj(Text)
        if isinstance(t, Text) and t.get_visible() and t not in hidden
    ]
    return tuple(dict.fromkeys(text for text in texts if re.search(r"\d", text)))


def _outside(axes: object) -> list[object]:
    found: list[object] = []
    for axis, limits in (
        (axes.xaxis, axes.get_xlim()),  # type: ignore[attr-defined]
        (axes.yaxis, axes.get_ylim()),  # type: ignore[attr-defined]
    ):
        low, high = sorted(limits)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                found += [tick.label1, tick.label2]
    return found


def _write_data(
    file: Path, figure: Figure, plot: Plot, values: tuple[Value, ...], texts: tuple[str, ...]
) -> None:
    body = {
        "label": figure.label,
        "draw": figure.draw,
        "unit": "percentage points" if plot.unit == "points" else plot.unit,
        **({"x_unit": plot.x_unit} if plot.x_unit else {}),
        "curves": [asdict(curve) for curve in plot.curves],
        "sources": {value.expression: list(value.sources) for value in values},
        "texts": list(texts),
    }
    text = json.dumps(body, indent=1, ensure_ascii=False, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")
