"""Freeze a plan before its first trial; refuse one that cannot decide its hypothesis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from sandbox.errors import BadInput, PlanRefused, UnknownName
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine, PlanLine, digest_of
from tools.atomic import write_atomically
from tools.baselines import missing_baselines
from tools.experiment import Arm, Experiment, Side
from tools.measured import Measured
from tools.measures import MEASURES
from tools.own_code import brought_code, named_code
from tools.subject import Subject
from tools.tasks.own_task import brought_tasks
from tools.tool import find_tool

METRICS = {"accuracy": "higher", "evaluations": "neither", "cpu_s": "lower"} | {
    name: measure.better for name, measure in MEASURES.items() if measure.tested
}


def freeze(experiment: Experiment, subject: Subject, ledger: Ledger, folder: Path) -> None:
    """Write `plans/<id>.json` below the run's `folder` and its digest into the ledger.

    A plan that is frozen already is left as it is. Raises PlanRefused with one sentence and its
    mend.
    """
    if ledger.find(PlanLine, experiment.id) is not None:
        check_frozen(experiment, ledger, folder)
        return
    hypothesis = ledger.find(HypothesisLine, experiment.hypothesis)
    if hypothesis is None:
        raise PlanRefused(
            f"the plan tests hypothesis {experiment.hypothesis!r}, which is not in the ledger",
            "record the hypothesis before its plan",
        )
    check_plan(experiment, subject, ledger, folder)
    file = f"plans/{experiment.id}.json"
    body = experiment.model_dump(mode="json")
    write_atomically(folder / file, json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    ledger.append(
        PlanLine(
            id=experiment.id,
            hypothesis=experiment.hypothesis,
            plan_digest=experiment.digest,
            file=file,
            round=hypothesis.round,
        )
    )


def check_frozen(experiment: Experiment, ledger: Ledger, folder: Path) -> None:
    """Raise PlanRefused unless this plan is in the ledger and its file still says the same."""
    line = ledger.find(PlanLine, experiment.id)
    if line is None or line.plan_digest != experiment.digest:
        raise PlanRefused(f"plan {experiment.id} is not frozen", "freeze it before its first trial")
    try:
        written = json.loads((folder / line.file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanRefused(
            f"{line.file} cannot be read ({error})", "restore the frozen plan from a copy"
        ) from error
    if digest_of(written) != line.plan_digest:
        raise PlanRefused(
            f"{line.file} was changed after it was frozen", "restore the frozen plan from a copy"
        )


def seeds_needed(alpha: float, family_size: int, at_least: int = 8) -> int:
    """The fewest paired seeds with which an exact sign-flip test can pass Holm's first step.

    Over n pairs its p cannot be below 2^-n, and the first step asks for alpha / family_size.
    """
    pairs = 1
    while 0.5**pairs > alpha / family_size:
        pairs += 1
    return max(pairs, at_least)


def frozen_plans(ledger: Ledger, folder: Path) -> list[Experiment]:
    """Every plan of the run, oldest first. Raises PlanRefused when a file was changed."""
    plans = []
    for line in ledger.lines(PlanLine):
        try:
            plan = Experiment.model_validate_json((folder / line.file).read_bytes())
        except (OSError, ValidationError) as error:
            raise PlanRefused(
                f"{line.file} is not the plan that was frozen", "restore it from a copy"
            ) from error
        check_frozen(plan, ledger, folder)
        plans.append(plan)
    return plans


def check_plan(experiment: Experiment, subject: Subject, ledger: Ledger, folder: Path) -> None:
    """Raise PlanRefused for a plan that cannot decide honestly, beside those frozen before it."""
    _check_arms(experiment, subject)
    _check_test(experiment, subject)
    _check_seeds(experiment, subject)
    earlier = frozen_plans(ledger, folder)
    _check_names(experiment, earlier)
    _check_new(experiment, earlier)
    _check_unseen(experiment, ledger)
    missing = missing_baselines(experiment, subject)
    if missing:
        raise PlanRefused(
            f"the plan claims that a search is better, but lacks {', '.join(missing)}",
            "add the permanent baselines as arms, with the search's own budget",
        )


def _check_arms(experiment: Experiment, subject: Subject) -> None:
    if experiment.subject != subject.name:
        raise PlanRefused(
            f"the plan is about {experiment.subject!r}, the run about {subject.name!r}",
            f"set subject to {subject.name!r}",
        )
    roles = {role.name for role in subject.roles}
    names: set[str] = set()
    calls: dict[str, str] = {}
    for arm in experiment.arms:
        call = call_of(arm)
        if arm.name in names:
            raise PlanRefused(f"two arms are called {arm.name!r}", "give each arm its own name")
        if call in calls:
            raise PlanRefused(
                f"arms {calls[call]!r} and {arm.name!r} are the same call", "keep one of them"
            )
        unknown = set(find_tool(arm.tool).needs(arm.arguments)) - roles
        if unknown:
            raise PlanRefused(
                f"arm {arm.name!r} names the unknown role {sorted(unknown)[0]!r}",
                f"roles: {', '.join(sorted(roles))}",
            )
        _check_code(arm, subject)
        names.add(arm.name)
        calls[call] = arm.name


def _check_code(arm: Arm, subject: Subject) -> None:
    known = {named_code(own): name for name, own in brought_code(subject).items()}
    tool = find_tool(arm.tool)
    drawn = tool.drawn(arm.arguments)
    task = arm.arguments.get("task")
    if task in brought_tasks(subject) and task not in [named.name for named in drawn]:
        raise PlanRefused(
            f"arm {arm.name!r} does not say which file draws {task!r}",
            f"give own_tasks with {task!r} and its digest",
        )
    for named in (*tool.code(arm.arguments), *drawn):
        if named not in known:
            raise PlanRefused(
                f"arm {arm.name!r} runs code {named.name!r} that the run does not have",
                f"it has: {', '.join(known.values()) or 'none'}; name each with its digest",
            )


def call_of(arm: Arm) -> str:
    """Digest of the arm's tool and normalised arguments. Raises PlanRefused for a bad call."""
    try:
        tool = find_tool(arm.tool)
        if tool.place != "sandbox":
            raise PlanRefused(
                f"arm {arm.name!r}: {arm.tool} measures nothing", "use a tool that runs trials"
            )
        return digest_of([arm.tool, tool.normal(arm.arguments)])
    except UnknownName as error:
        raise PlanRefused(f"arm {arm.name!r}: {error.what}", error.fix) from error
    except PlanRefused:
        raise
    except BadInput as error:
        raise PlanRefused(f"arm {arm.name!r}: {error.what}", error.fix) from error


def _check_test(experiment: Experiment, subject: Subject) -> None:
    test = experiment.test
    if test.metric not in METRICS:
        raise PlanRefused(
            f"the test's metric {test.metric!r} is not measured", f"metrics: {', '.join(METRICS)}"
        )
    if not 0 < test.alpha < 1:
        raise PlanRefused(f"alpha is {test.alpha}", "choose it between 0 and 1, such as 0.05")
    if test.predicted_effect < test.null_effect:
        raise PlanRefused(
            "the predicted effect is below the null effect",
            "predict an effect in the direction of the test, or swap treatment and control",
        )
    for what, side in _sides(experiment):
        _check_side(what, side, experiment, subject)
    if len(test.treatment.arms) > 1:
        raise PlanRefused(
            "the treatment is the best of several arms, which would be chosen on the test data",
            "name one treatment arm; only the control may be the best of several",
        )
    if _measures(test.treatment) == _measures(test.control):
        raise PlanRefused("treatment and control are the same", "compare two different arms")


def _measures(side: Side) -> tuple[set[str], set[str], str]:
    """What a side takes its values from, whatever it is called."""
    return set(side.arms), set(side.tasks), side.split


def _check_side(what: str, side: Side, experiment: Experiment, subject: Subject) -> None:
    arms, tasks = {arm.name for arm in experiment.arms}, {card.name for card in subject.cards}
    for unknown in [name for name in side.arms if name not in arms]:
        raise PlanRefused(
            f"the {what} {unknown!r} is not an arm", f"arms: {', '.join(sorted(arms))}"
        )
    for unknown in [name for name in side.tasks if name not in tasks]:
        raise PlanRefused(
            f"the {what} is measured on the unknown task {unknown!r}",
            f"tasks: {', '.join(sorted(tasks))}",
        )
    metric = experiment.test.metric
    if metric != "accuracy" and (side.tasks != (subject.primary,) or side.split != "dev"):
        raise PlanRefused(
            f"{metric} is counted once per trial, not per task",
            f"set tasks to {subject.primary!r} and split to 'dev'",
        )
    if METRICS[metric] != "higher" and len(side.arms) > 1:
        raise PlanRefused(
            f"the best of several arms is not defined for {metric}", f"name one {what} arm"
        )


def _check_seeds(experiment: Experiment, subject: Subject) -> None:
    test, count = experiment.test, len(experiment.seeds)
    if len(set(experiment.seeds)) != count:
        raise PlanRefused("a seed is listed twice", "pair every seed once")
    outside = [seed for seed in experiment.seeds if not 0 <= seed < subject.most_seeds]
    if outside:
        raise PlanRefused(
            f"seed {outside[0]} is not one of the {subject.most_seeds} that {subject.name} allows, "
            "so it could repeat the items of another",
            f"choose seeds from 0 to {subject.most_seeds - 1}, or bring more test items",
        )
    needed = seeds_needed(test.alpha, test.family_size, at_least=1)
    if count < needed:
        raise PlanRefused(
            f"{count} paired seeds cannot give p below {0.5**count:.2g}, and Holm over "
            f"{test.family_size} hypotheses asks for {test.alpha / test.family_size:.2g} first",
            f"use at least {needed} seeds",
        )


def _check_names(experiment: Experiment, earlier: list[Experiment]) -> None:
    """A name stands for one call in the whole run, and a call has one name: tables use names."""
    mine = {arm.name: call_of(arm) for arm in experiment.arms}
    for plan in earlier:
        for arm in plan.arms:
            call = call_of(arm)
            for name, own in mine.items():
                if name == arm.name and own != call:
                    raise PlanRefused(
                        f"arm {name!r} stands for another call in plan {plan.id}", "rename the arm"
                    )
                if own == call and name != arm.name:
                    raise PlanRefused(
                        f"arm {name!r} is called {arm.name!r} in plan {plan.id}",
                        f"call it {arm.name!r}",
                    )


def _check_new(experiment: Experiment, earlier: list[Experiment]) -> None:
    """Refuse the very comparison of another plan: one test would count as two findings."""
    test = experiment.test
    for plan in earlier:
        same = plan.test.metric == test.metric and all(
            _measures(side) == _measures(other)
            for (_, side), (_, other) in zip(_sides(experiment), _sides(plan), strict=True)
        )
        if same and set(plan.seeds) & set(experiment.seeds):
            raise PlanRefused(
                f"plan {plan.id} compares the same arms on the same seeds",
                "use fresh seeds, which makes it a replication, or another arm",
            )


def _check_unseen(experiment: Experiment, ledger: Ledger) -> None:
    """Refuse when both sides were measured on one of the plan's seeds: data already seen."""
    seen = Measured(ledger, experiment)
    for seed in experiment.seeds:
        if all(seen.any(side, seed) for _, side in _sides(experiment)):
            raise PlanRefused(
                f"both sides were measured on seed {seed} before the plan was frozen",
                "freeze the plan before its arms are run, or use fresh seeds or a new arm",
            )


def _sides(experiment: Experiment) -> Iterator[tuple[str, Side]]:
    yield "treatment", experiment.test.treatment
    yield "control", experiment.test.control
