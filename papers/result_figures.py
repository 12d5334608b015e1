"""Figures that evidence makes: no mind writes or chooses a value in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from papers.effect import axis_of, units_of
from papers.manuscript import Figure, Series
from papers.record_view import RecordView
from sandbox.records import ComparisonLine, EvidenceLine

IN_A_COLUMN = 6
"""More hypotheses in a forest plot take the width of the page: a column would be all of it."""


class ResultFigures:
    """Builds the figures of the results, or None where there is nothing to show."""

    def __init__(self, view: RecordView) -> None:
        self.view = view

    def intervals_figure(self) -> Figure | None:
        """The main comparison: every arm's mean and interval on the primary task."""
        task, measured = self.view.primary, self.view.measured_arms
        arms = [arm for arm in measured if self.view.count(arm, task) > 1]
        if not arms:
            return None
        apart = " Arms of a single seed stand in {{ref:tab:main}} alone."
        summary = Series(
            label="mean",
            x=tuple(self.view.label(a) for a in arms),
            y=tuple(f"mean:{a}/{task}/test" for a in arms),
            low=tuple(f"low:{a}/{task}/test" for a in arms),
            high=tuple(f"high:{a}/{task}/test" for a in arms),
        )
        return Figure(
            label="fig:main",
            caption="Test accuracy on the primary task: mean over the paired seeds with its "
            "interval, and the single seeds as faint points." + apart * (len(arms) < len(measured)),
            draw="intervals",
            series=(summary, *(self._dots(a) for a in arms)),
            x_label="test accuracy",
            y_label="",
            alt="Dot plot of the mean test accuracy of every arm, with intervals.",
        )

    def _dots(self, arm: str) -> Series:
        seeds = self.view.seeds(arm)
        return Series(
            label="seeds",
            x=tuple(self.view.label(arm) for _ in seeds),
            y=tuple(f"at:{arm}/{self.view.primary}/test/{seed}" for seed in seeds),
        )

    def forest_figure(self) -> Figure | None:
        """Effects of all hypotheses with their intervals, beside what was predicted."""
        ruled = [c for c in self.view.comparisons if self.view.ruling(c.hypothesis)]
        # One axis has one unit: comparisons in another metric stand in the table alone.
        lines = [c for c in ruled if axis_of(c.metric) == axis_of(ruled[0].metric)]
        if not lines:
            return None
        names = tuple(self.view.hypothesis_title(line.hypothesis) for line in lines)
        series = (
            Series(
                label="effect",
                x=names,
                y=tuple(f"cmp:{line.id}.effect" for line in lines),
                low=tuple(f"cmp:{line.id}.low" for line in lines),
                high=tuple(f"cmp:{line.id}.high" for line in lines),
            ),
            Series(
                label="predicted",
                x=names,
                y=tuple(f"cmp:{line.id}.predicted_effect" for line in lines),
            ),
            Series(label="null", x=names, y=tuple(f"cmp:{line.id}.null_effect" for line in lines)),
        )
        return Figure(
            label="fig:forest",
            caption=f"The effect of every hypothesis{_of_one_unit(lines, ruled)} with its "
            "interval, beside the effect that its plan predicted and the null value of its test.",
            draw="forest",
            series=series,
            x_label="effect",
            y_label="",
            alt="Forest plot of the effects of all hypotheses.",
            wide=len(lines) > IN_A_COLUMN,
        )

    def search_figure(self) -> Figure | None:
        """Best development accuracy so far against evaluations, for every search."""
        task = self.view.primary
        series = []
        for arm in self.view.measured_arms:
            points = self._points.get(arm, ())
            if len(points) < 2 or self.view.arms[arm].arguments.get("dev_items"):
                continue
            at = [f"{arm}/{task}/dev/best:{n}" for n in points]
            band = all(self.view.count(arm, task, f"best:{n}", "dev") > 1 for n in points)
            series.append(
                Series(
                    label=self.view.label(arm),
                    x=tuple(str(n) for n in points),
                    y=tuple(f"mean:{a}" for a in at),
                    low=tuple(f"low:{a}" for a in at if band),
                    high=tuple(f"high:{a}" for a in at if band),
                )
            )
        if not series:
            return None
        return Figure(
            label="fig:search",
            caption="Progress of the searches: fitness of the best candidate so far on the "
            "development items, mean over the paired seeds"
            f"{' with its interval' * any(each.low for each in series)}.",
            draw="curves",
            series=tuple(series),
            x_label="evaluations",
            y_label="best fitness so far",
            alt="Curves of the best fitness against the number of evaluations.",
        )

    @cached_property
    def _points(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, set[int]] = {}
        for line in self.view.ledger.lines(EvidenceLine):
            if line.metric.startswith("best:"):
                found.setdefault(line.arm, set()).add(int(line.metric.removeprefix("best:")))
        return {arm: tuple(sorted(points)) for arm, points in found.items()}

    def merge_map(self) -> Figure | None:
        """Mean coefficient of every parent and parameter group in the evolved merge."""
        arm = self.view.layerwise_arm
        if arm is None:
            return None
        task = self.view.primary
        series = tuple(
            Series(
                label=self.view.role_label(role),
                x=groups,
                y=tuple(f"mean:{arm}/{task}/dev/coefficient:{role}/{g}" for g in groups),
            )
            for role, groups in self.view.coefficients(arm).items()
        )
        if not series:
            return None
        return Figure(
            label="fig:map",
            caption="What was merged where: mean coefficient of each parent's task vector in every "
            f"parameter group of the {self.view.inline_label(arm)}.",
            draw="heatmap",
            series=series,
            x_label="parameter group",
            y_label="parent",
            alt="Heat map of merging coefficients by parent and parameter group.",
        )


def _of_one_unit(shown: Sequence[ComparisonLine], ruled: Sequence[ComparisonLine]) -> str:
    """Which of the tested hypotheses a figure shows, for its caption."""
    if len(shown) == len(ruled):
        return " that was tested"
    units = units_of(line.metric for line in shown)
    return f" whose effect is {units} ({{{{ref:tab:verdicts}}}} has the others)"
