"""A figure that shows other values than the evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from papers.figures import file_name, places
from papers.manuscript import Figure, Series
from papers.review.check import CannotCheck, check
from papers.review.finding import Case, Finding, found
from papers.review.passage import Quoted, figures
from papers.typography import typographic

_POINT = re.compile(r"best:(\d+)$")
_FIX = "draw the figure again from its references"


@check("figure_against_data", needs_build=True)
def figure_against_data(case: Case) -> Iterable[Finding]:
    """A drawn series differs from the evidence, stands at another x, or its axis is cut."""
    if case.folder is None:
        raise CannotCheck("the figures have not been drawn")
    for _, _, figure in figures(case.manuscript):
        path = case.folder / "figures" / f"{file_name(figure.label)}.json"
        if not path.is_file():
            yield found(figure.label, f"its data {path.name} is missing", _FIX)
            continue
        data = json.loads(path.read_text(encoding="utf-8"))
        yield from _figure(case, figure, data)


def _figure(case: Case, figure: Figure, data: Mapping[str, JsonValue]) -> Iterable[Finding]:
    curves = data.get("curves")
    drawn = (
        [curve for curve in curves if isinstance(curve, dict)] if isinstance(curves, list) else []
    )
    if data.get("draw") != figure.draw or len(drawn) != len(figure.series):
        yield found(figure.label, "it was drawn from another description", _FIX)
        return
    for series, curve in zip(figure.series, drawn, strict=True):
        where = f"{figure.label}, series {series.label!r}"
        for name in ("y", "low", "high"):
            due = [_shown(case, expression) for expression in getattr(series, name)]
            if not _same(curve.get(name), due):
                yield found(where, f"its {name} values are not those of the evidence", _FIX)
        if curve.get("x") != [typographic(case.shown(x)) for x in series.x]:
            yield found(where, "its x values are not those of the manuscript", _FIX)
        at = places(series.x, lambda expression: _shown(case, expression))
        if not _same(curve.get("at"), at):
            yield found(where, "its points do not stand where the evidence puts them", _FIX)
        yield from _places(where, series)
    texts = data.get("texts")
    if figure.draw == "bars" and not _reaches_zero(texts if isinstance(texts, list) else ()):
        yield found(figure.label, "its bars do not start at zero", "start the axis at zero")


def _shown(case: Case, expression: str) -> float:
    """Differences of fractions are drawn in percentage points."""
    value = case.numbers.resolve(expression)
    return 100 * value.number if value.unit == "points" else value.number


def _same(drawn: JsonValue, due: Sequence[float]) -> bool:
    if not isinstance(drawn, list) or len(drawn) != len(due):
        return False
    return all(
        isinstance(a, int | float) and abs(a - b) <= 1e-9 + 1e-9 * abs(b)
        for a, b in zip(drawn, due, strict=True)
    )


def _places(where: str, series: Series) -> Iterable[Finding]:
    """A point of a search's progress stands at its own number of evaluations."""
    for x, expression in zip(series.x, series.y, strict=False):
        match = _POINT.search(Quoted(expression).expression)
        if match and x != match.group(1):
            what = f"the value after {match.group(1)} evaluations stands at {x}"
            yield found(where, what, "put every point at its own x")


def _reaches_zero(texts: Sequence[JsonValue]) -> bool:
    ticks = [str(text).replace("\N{MINUS SIGN}", "-") for text in texts]
    numbers = [float(tick) for tick in ticks if re.fullmatch(r"-?\d+(\.\d+)?", tick)]
    return bool(numbers) and min(numbers) <= 0 <= max(numbers)
