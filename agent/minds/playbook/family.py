"""A hypothesis family: a question to a subject, its numeric prediction, the arms that decide."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import catalogue

from sandbox.errors import UnknownName
from sandbox.records import HypothesisLine, Relation
from tools.experiment import Arm, Side
from tools.subject import Role, Subject


@dataclass(frozen=True)
class Setting:
    """What a family designs for. evaluations: dev evaluations that each search is given.

    seed: of what is left to chance. winners: families whose first question was answered with yes,
    the oldest first. troubled: (arm, what kept it from a fair result), see Known. paths: (id of a
    hypothesis, its relations from its family's first question on).
    """

    subject: Subject
    evaluations: int
    seed: int = 0
    winners: tuple[str, ...] = ()
    troubled: tuple[tuple[str, str], ...] = ()
    paths: tuple[tuple[str, tuple[Relation, ...]], ...] = ()

    @property
    def domain(self) -> str:
        """What the subject is about."""
        return self.subject.domain

    @property
    def parents(self) -> tuple[Role, ...]:
        """The experts to merge, in the subject's order; the first is the skill's."""
        return tuple(role for role in self.subject.roles if role.kind == "parent")

    @property
    def base(self) -> str:
        """Name of the model that the experts were trained from, empty when there is none."""
        return next((role.name for role in self.subject.roles if role.kind == "base"), "")

    def role(self, name: str) -> Role | None:
        """The role of that name, if the subject has it."""
        return next((role for role in self.subject.roles if role.name == name), None)

    @property
    def merges_deltas(self) -> bool:
        """Whether task vectors can be formed: two parents or more, and their base."""
        return len(self.parents) > 1 and bool(self.base)


@dataclass(frozen=True)
class Idea:
    """One hypothesis and its experiment but for the seeds.

    Prose holds no digits but in `prediction`. effect = treatment - control in the metric, which is
    `accuracy` or a measure of the trials (tools/measures.py); see PairedTest for null_effect and
    predicted_effect. baselines: measured and shown, not tested.
    """

    title: str
    statement: str
    rationale: str
    prediction: str
    refuted_by: str
    cites: tuple[str, ...]
    treatment: tuple[Arm, ...]
    control: tuple[Arm, ...]
    predicted_effect: float
    null_effect: float = 0.0
    baselines: tuple[Arm, ...] = ()
    tasks: tuple[str, ...] = ()
    treatment_label: str = ""
    control_label: str = ""
    control_split: str = "test"
    metric: str = "accuracy"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm once, with the part it plays here."""
        parts = (
            ("treatment", self.treatment),
            ("control", self.control),
            ("baseline", self.baselines),
        )
        arms: dict[str, Arm] = {}
        for part, given in parts:
            for arm in given:
                arms.setdefault(arm.name, arm.model_copy(update={"role": part}))
        return tuple(arms.values())

    def sides(self, primary: str) -> tuple[Side, Side]:
        """Treatment and control of the paired test.

        A measure is taken once for each trial and is kept beside the primary task's dev items.
        """
        counted = self.metric != "accuracy"
        tasks = (primary,) if counted else self.tasks or (primary,)
        treatment = Side(
            label=self.treatment_label or self.treatment[0].label,
            arms=tuple(arm.name for arm in self.treatment),
            tasks=tasks,
            split="dev" if counted else "test",
        )
        control = Side(
            label=self.control_label or self.control[0].label,
            arms=tuple(arm.name for arm in self.control),
            tasks=tasks,
            split="dev" if counted or self.control_split == "dev" else "test",
        )
        return treatment, control


Think = Callable[[Setting], Idea | None]


@dataclass(frozen=True)
class Family:
    """A declared family. supported, unsupported: the Beta prior that its prediction holds.

    links: other family -> pseudo-observations that its ruling adds here; negative when its success
    speaks against this one. meaning: ruling -> what it would mean, for the paper; no digits, no
    claim beyond the test. domain: of the subjects that it is about. gate: part of the known order
    that a run must reproduce before it asks anything else. keywords: further names of its matter,
    as people use them in questions.
    """

    name: str
    think: Think
    meaning: Mapping[str, str]
    supported: float = 1.0
    unsupported: float = 1.0
    links: Mapping[str, float] = field(default_factory=dict)
    domain: str = "merging"
    gate: bool = False
    keywords: str = ""


_families = catalogue.create("hanji", "families", entry_points=True)
NOT_FAMILIES = {
    "arms",
    "authors",
    "choose",
    "crossing",
    "effort",
    "family",
    "followups",
    "planned",
    "playbook",
    "pushing",
    "relations",
    "relevance",
    "story",
    "tree",
}


def family(
    name: str,
    *,
    prior: tuple[float, float] = (1.0, 1.0),
    links: Mapping[str, float] | None = None,
    meaning: Mapping[str, str],
    domain: str = "merging",
    gate: bool = False,
    keywords: str = "",
) -> Callable[[Think], Think]:
    """Declare a family.

    The function answers with an Idea, or None where the family does not apply.
    """

    def declare(think: Think) -> Think:
        linked = dict(links or {})
        made = Family(name, think, meaning, *prior, linked, domain, gate, keywords)
        _families.register(name, func=made)
        return think

    return declare


def all_families(domain: str = "") -> dict[str, Family]:
    """Every family of this folder, its packages and entry points, by name.

    domain: only those of that domain.
    """
    _import_all("agent.minds.playbook")
    found = sorted(_families.get_all().items())
    return {name: family for name, family in found if domain in ("", family.domain)}


def gates(domain: str) -> tuple[str, ...]:
    """Names of the families that are the domain's gate; none where there is no known order."""
    return tuple(name for name, family in all_families(domain).items() if family.gate)


def is_gate(line: HypothesisLine, domain: str) -> bool:
    """Whether a hypothesis is a part of the domain's gate, not a question that the gate opens."""
    return not line.relation and line.family in gates(domain)


@cache
def _import_all(package: str) -> None:
    """Import every module that may declare a family."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        name = f"{package}.{module.name}"
        if module.name in NOT_FAMILIES or module.name.startswith("writing"):
            continue
        if module.ispkg:
            _import_all(name)
        else:
            importlib.import_module(name)


def find_family(name: str) -> Family:
    """The family of that name. Raises UnknownName with the known ones."""
    known = all_families()
    if name not in known:
        raise UnknownName("hypothesis family", name, list(known))
    return known[name]
