"""Quality against cost, for the arms of one task."""

from __future__ import annotations

from papers.exhibits.architecture_view import ArchitectureView
from papers.manuscript import Figure, Series

COSTS = (
    ("state_floats", "numbers of state at the task's length"),
    ("flops_per_token", "operations per token"),
    ("parameters", "parameters"),
)
"""Measures in order of preference: the first that differs between arms is drawn."""
LEAST, MOST = 3, 18
"""Arms that are worth a picture, and that its legend can name."""


def pareto_figure(view: ArchitectureView) -> Figure | None:
    """The score of every arm on the task with most of them, against what it costs."""
    for task in sorted(view.tasks_used, key=lambda t: -len(_arms(view, t, ""))):
        for measure, words in COSTS:
            arms = _arms(view, task, measure)
            if LEAST <= len(arms) <= MOST and len({view.cost(a, measure) for a in arms}) > 1:
                return _figure(view, task, arms, measure, words)
    return None


def _arms(view: ArchitectureView, task: str, measure: str) -> list[str]:
    """Arms of the task with an interval and with the measure; of more is better."""
    return [
        arm
        for arm in view.arms
        if view.home(arm) == task
        and view.metric(task) == "accuracy"
        and view.seeds(arm) > 1
        and (not measure or view.costs(arm, measure))
    ]


def _figure(view: ArchitectureView, task: str, arms: list[str], measure: str, words: str) -> Figure:
    series = tuple(
        Series(
            label=view.records.label(arm),
            x=(f"max:{view.costs(arm, measure)}",),
            y=(f"mean:{view.at(arm)}",),
            low=(f"low:{view.at(arm)}",),
            high=(f"high:{view.at(arm)}",),
        )
        for arm in reversed(arms)
    )
    return Figure(
        label="fig:pareto",
        caption=f"Quality against cost on {view.inline_task(task)}: mean test accuracy with its "
        f"interval against {words}. The dashed line joins the arms of which no other has a higher "
        "mean at as low a cost, which states no test.",
        draw="scatter",
        series=series,
        x_label=words,
        y_label="test accuracy",
        wide=True,
        alt=f"Scatter plot of test accuracy against {words}, one mark for each arm.",
    )


def pace_figure(view: ArchitectureView) -> Figure | None:
    """What the text of every timed arm is worth, against the time for a character of it."""
    time, worth = "decode_s_per_token_batch_1", "judged_bits"
    arms = [
        arm
        for arm in view.records.arms
        if view.costs(arm, time) and view.records.count(arm, view.records.primary, worth, "dev") > 1
    ]
    if not LEAST <= len(arms) <= MOST:
        return None
    series = tuple(
        Series(
            label=view.records.label(arm),
            x=(f"mean:{view.costs(arm, time)}",),
            y=(f"mean:{view.costs(arm, worth)}",),
            low=(f"low:{view.costs(arm, worth)}",),
            high=(f"high:{view.costs(arm, worth)}",),
        )
        for arm in arms
    )
    return Figure(
        label="fig:pace",
        caption="Quality of written text against the time for a character, a sequence at a time: "
        "what the judge needs for each character, with its interval; less is better. The dashed "
        "line joins the arms of which no other writes better at as little time, which states no "
        "test. A judge praises text that repeats itself; {{ref:tab:speed}} says whose quality is "
        "matched.",
        draw="scatter-low",
        series=series,
        x_label="seconds for a character",
        y_label="judged bits",
        wide=True,
        alt="Scatter plot of judged bits against seconds for a character, one mark for each arm.",
    )
