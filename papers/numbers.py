"""Where every number of a paper comes from: expressions over the ledger, never a typed value.

    ev:ID                              one sealed measured value
    cmp:ID.FIELD                       effect, low, high, p_support, p_refute, treatment_mean,
                                       control_mean, pairs, null_effect, predicted_effect
    verdict:HYPOTHESIS.FIELD           p_support_holm, p_refute_holm, alpha, family_size, ruling
    mean:ARM/TASK/SPLIT[/METRIC]       over seeds; also sd, min, max, median; METRIC: or accuracy
    low:ARM/TASK/SPLIT[/METRIC]        95% Student t interval of that mean, also high; a fraction
                                       stays in [0, 1]
    n:ARM/TASK/SPLIT[/METRIC]          how many seeds are behind it
    at:ARM/TASK/SPLIT/SEED[/METRIC]    one seed
    diff:A;B   ratio:A;B               of two expressions, in parentheses if they hold a semicolon
    count:WHAT                         lines of the ledger (see counts.py)
    cost:FIELD[/PREFIX]                sum over cost lines, those whose `what` begins with PREFIX
    plan:EXPERIMENT.PATH               frozen configuration: seeds, arms, alpha, arm.NAME.ARGUMENT
    fact:PATH                          run.json: what the machine is, what was allowed
    trial:ID.FIELD                     wall_s, cpu_s, memory_peak_bytes, seed, status, limit, ...
    hypothesis:ID.FIELD                title, statement, prediction, refuted_by, rationale (text);
                                       round
    memory:ID.FIELD                    run, title, statement, ruling, family (text), round (0): what
                                       an earlier run answered; it has no measured values
    novelty:HYPOTHESIS.FIELD           status, searched, unchecked, title.N, shared.N (text)
    deviation:ID   failure:ID          what happened, and why (text)

ARM may be ARM@EXPERIMENT: only the seeds of that plan. Nothing is evaluated as code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from pydantic import JsonValue

from papers.configuration import configured
from papers.counts import count
from papers.recorded import RECORDED, unknown_reference
from papers.sample import Sample
from papers.value import Rendered, Unit, Value, write
from sandbox.errors import UnbackedNumber
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine

_STATISTICS = ("mean", "sd", "min", "max", "median", "low", "high", "n")


class Numbers:
    """Resolves expressions against one run.

    facts: run.json. plans: experiment id -> frozen plan. references: how many works the paper
    cites, if it is known.
    """

    def __init__(
        self,
        lines: Ledger,
        facts: Mapping[str, JsonValue],
        plans: Mapping[str, JsonValue] | None = None,
        references: int | None = None,
    ) -> None:
        self._ledger = lines
        self._facts = facts
        self._plans = plans or {}
        self._references = references
        self._groups: dict[tuple[str, str, str, str], list[EvidenceLine]] = {}
        for line in lines.lines(EvidenceLine):
            key = (line.arm, line.task, line.split, line.metric)
            self._groups.setdefault(key, []).append(line)
        self._sources: dict[str, Callable[[str], Value]] = {
            "at": self._at,
            "diff": self._diff,
            "ratio": self._ratio,
            "plan": self._plan,
            "fact": self._fact,
            "count": self._count,
            **{name: partial(look_up, lines) for name, look_up in RECORDED.items()},
            **{name: self._statistic(name) for name in _STATISTICS},
        }

    def resolve(self, expression: str) -> Value:
        """The value behind an expression (without a format).

        Raises UnbackedNumber when it names nothing that the run holds, with the nearest names.
        """
        source, colon, rest = expression.strip().partition(":")
        found = self._sources.get(source)
        if found is None or not colon:
            raise unknown_reference("source of numbers", source, self._sources)
        return replace(found(rest), expression=expression.strip())

    def render(self, body: str) -> Rendered:
        """A reference as prose holds it, `{{mean:evolve/copy.ko/test|.3f}}`, braces optional.

        Raises UnbackedNumber.
        """
        body = body.strip().removeprefix("{{").removesuffix("}}").strip()
        expression, _, form = body.rpartition("|") if "|" in body else (body, "", "")
        value = self.resolve(expression)
        text = write(value, form.strip())
        return Rendered(text, value.value, value.unit, value.sources, body)

    def sample(self, text: str) -> Sample:
        """The evidence over seeds behind `ARM/TASK/SPLIT[/METRIC]`."""
        arm, task, split, *rest = [*text.split("/", 3)]
        metric = rest[0] if rest else "accuracy"
        arm, _, experiment = arm.partition("@")
        lines = self._groups.get((arm, task, split, metric))
        if not lines:
            known = ["/".join(key) for key in self._groups]
            raise unknown_reference("measured group", "/".join((arm, task, split, metric)), known)
        if experiment:
            lines = self._of_plan(lines, experiment)
        return Sample.of(text, lines)

    def _of_plan(self, lines: list[EvidenceLine], experiment: str) -> list[EvidenceLine]:
        plan = self._plan_of(experiment)
        seeds = plan.get("seeds") if isinstance(plan, dict) else None
        chosen = [line for line in lines if isinstance(seeds, list) and line.seed in seeds]
        if not chosen:
            raise UnbackedNumber(
                f"no seed of {lines[0].arm} belongs to plan {experiment}", "name another plan"
            )
        return chosen

    def _statistic(self, name: str) -> Callable[[str], Value]:
        def over_seeds(rest: str) -> Value:
            if rest.count("/") < 2:
                raise UnbackedNumber(f"{name}:{rest} names no group", f"{name}:ARM/TASK/SPLIT")
            sample = self.sample(rest)
            unit: Unit = "count" if name == "n" else sample.unit
            return Value(sample.statistic(name), unit, sample.sources, rest)

        return over_seeds

    def _at(self, rest: str) -> Value:
        parts = rest.split("/", 4)
        if len(parts) < 4:
            raise UnbackedNumber(f"at:{rest} names no seed", "write at:ARM/TASK/SPLIT/SEED")
        arm, task, split, seed = parts[:4]
        sample = self.sample("/".join((arm, task, split, *parts[4:])))
        line = sample.by_seed.get(seed)
        if line is None:
            raise unknown_reference(f"seed of {arm}", seed, sample.by_seed)
        return Value(line.value, line.unit, (f"evidence:{line.id}",), rest)

    def _diff(self, rest: str) -> Value:
        first, second = self._two(rest)
        unit: Unit = "points" if first.unit == "fraction" else first.unit
        sources = _joined(first, second)
        return Value(first.number - second.number, unit, sources, rest)

    def _ratio(self, rest: str) -> Value:
        first, second = self._two(rest)
        if second.number == 0:
            raise UnbackedNumber(f"ratio:{rest} divides by zero", "give the difference instead")
        return Value(first.number / second.number, "ratio", _joined(first, second), rest)

    def _two(self, rest: str) -> tuple[Value, Value]:
        first, second = (self.resolve(part) for part in _operands(rest))
        if first.unit != second.unit or first.unit in ("text", "p"):
            raise UnbackedNumber(
                f"{rest}: {first.unit} and {second.unit} do not combine",
                "both sides need the same unit, and neither text nor p-values",
            )
        return first, second

    def _count(self, rest: str) -> Value:
        if rest == "references" and self._references is not None:
            return Value(float(self._references), "count", ("bibliography",), rest)
        return count(self._ledger, rest)

    def _plan_of(self, id: str) -> JsonValue:
        if id not in self._plans:
            raise unknown_reference("plan", id, self._plans)
        return self._plans[id]

    def _plan(self, rest: str) -> Value:
        id, _, path = rest.partition(".")
        return configured(self._plan_of(id), path, f"plan:{id}")

    def _fact(self, rest: str) -> Value:
        return configured(dict(self._facts), rest, "run.json")


def _operands(rest: str) -> tuple[str, str]:
    """Split at the one semicolon outside of parentheses."""
    depth, cuts = 0, []
    for place, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if letter == ";" and depth == 0:
            cuts.append(place)
    if len(cuts) != 1:
        raise UnbackedNumber(f"{rest!r} is not two expressions", "write A;B, or (A;B);C")
    return _bare(rest[: cuts[0]]), _bare(rest[cuts[0] + 1 :])


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _joined(first: Value, second: Value) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first.sources, *second.sources)))
