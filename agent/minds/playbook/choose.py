"""Which hypotheses to test next: the tree grows best-first, by expected information for its cost.

The candidates are what the tree of hypotheses could grow (tree.py): first questions of families,
and what follows from nodes that were asked, whose rulings say what to believe of it. For each a
chance of support is drawn from its Beta belief; the entropy of the verdict that this predicts is
what testing it would teach. It is divided by the CPU seconds of the trials that are not yet made or
chosen, so arms that several hypotheses share are paid once. The best are taken together, so several
branches grow in one round. Source: Thompson 1933; Russo et al. 2018 (arXiv:1707.02038).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from agent.minds.mind import Known
from agent.minds.playbook.arms import with_permanent
from agent.minds.playbook.family import Family, Idea, Setting, all_families, gates
from agent.minds.playbook.relations import FRESH
from agent.minds.playbook.tree import belief_after, growth, nodes
from agent.minds.recall import Recall, forget
from sandbox.records import HypothesisLine, MemoryLine, Relation
from tools.experiment import Arm, PairedTest

Price = Callable[[tuple[Arm, ...], tuple[int, ...]], float]

OPENING, LATER = 5, 3
OVERHEAD_CPU_S = 10.0
REACH = 0.25
NEARNESS = 3.0
"""A hypothesis that the question speaks of most is worth four that it does not speak of."""


@dataclass(frozen=True)
class Candidate:
    """A hypothesis that could be tested next.

    belief: the Beta parameters that its prediction holds.
    parent: id of the hypothesis that it follows up, empty for a family's first. above: relations
    on the path to that one. root: name of its first question where no family has it. reach: how
    many other families its verdict informs. near: how much the question speaks of its family, in
    [0, 1].
    """

    family: str
    idea: Idea
    seeds: tuple[int, ...]
    belief: tuple[float, float]
    relation: Relation = ""
    parent: str = ""
    reach: int = 0
    near: float = 0.0
    above: tuple[str, ...] = ()
    root: str = ""

    @property
    def comparison(self) -> tuple[object, ...]:
        """What is compared with what, where: two hypotheses about it would be one test."""
        idea = self.idea
        sides = (frozenset(arm.name for arm in arms) for arms in (idea.treatment, idea.control))
        return (*sides, idea.tasks, idea.metric, self.seeds)

    @property
    def name(self) -> str:
        """For the decision's weights: `family`, or `family/relation/...`."""
        relation = [self.relation] if self.relation else []
        return "/".join((self.root or self.family, *self.above, *relation))


@dataclass(frozen=True)
class Choice:
    """The chosen, best first, and every candidate's score in bits for a CPU-minute."""

    chosen: tuple[Candidate, ...]
    weights: dict[str, float]


def choose(
    candidates: Sequence[Candidate],
    price: Price,
    room: int,
    afford_cpu_s: float,
    first: Sequence[str],
    seed: int,
) -> Choice:
    """At most `room` candidates that `afford_cpu_s` pays for together.

    `first`: families to take before all others, in this order.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible choice, not a secret
    chance = {c.name: rng.betavariate(*c.belief) for c in candidates}
    weights: dict[str, float] = {}
    chosen: list[Candidate] = []
    paid = 0.0
    while len(chosen) < room:
        compared = {c.comparison for c in chosen}
        open_ = [c for c in candidates if c.comparison not in compared]
        costs = {c.name: _together((*chosen, c), price) - paid for c in open_}
        scores = {c.name: _score(c, chance[c.name], costs[c.name]) for c in open_}
        weights = weights or {name: round(score, 4) for name, score in scores.items()}
        within = [c for c in open_ if paid + costs[c.name] <= afford_cpu_s]
        if not within:
            break
        best = max(within, key=lambda c: (-_place(c, first), scores[c.name], c.name))
        chosen.append(best)
        paid += costs[best.name]
    return Choice(tuple(chosen), weights)


def all_or_none(
    candidates: Sequence[Candidate],
    price: Price,
    room: int,
    afford_cpu_s: float,
    seed: int,
) -> Choice:
    """All candidates where there is room and money for all, else none: a gate decides as one."""
    whole = choose(candidates, price, len(candidates), math.inf, (), seed)
    fits = len(candidates) <= room and _together(candidates, price) <= afford_cpu_s
    return whole if fits else replace(whole, chosen=())


def candidates(
    at: Setting,
    known: Sequence[Known],
    price: Price,
    seeds: tuple[int, ...],
    fresh: tuple[int, ...],
    recall: Recall = forget,
) -> list[Candidate]:
    """Families not yet asked and follow-ups of those that were, less those with data seen.

    While a part of the domain's gate was not asked, these are all. What an earlier run answered is
    not asked again but on fresh seeds; it is a node of the tree like those of this run.
    """
    families = all_families(at.domain)
    asked = {k.hypothesis.family for k in known}
    titles = {k.hypothesis.title for k in known}
    first = _first_questions(families, at, known, seeds)
    gate = [c for c in first if c.family in gates(at.domain) and c.family not in asked]
    if gate:
        return gate
    begun = {k.hypothesis.family for k in known if not k.hypothesis.relation}
    past = [
        _as_known(c, line)
        for c in first
        if c.family not in begun and (line := _recalled(c, at, recall))
    ]
    belief = beliefs(families, (*known, *past))
    answered = asked | {k.hypothesis.family for k in past}
    found = [replace(c, belief=belief[c.family]) for c in first if c.family not in answered]
    follow_ups = _follow_ups(families, at, (*known, *past), seeds, fresh)
    found += [c for c in follow_ups if not _repeats(c, _recalled(c, at, recall))]
    unique = {c.idea.title: c for c in reversed(found) if c.idea.title not in titles}
    unseen = (c for c in unique.values() if not known or _unseen(c, price))
    return sorted(unseen, key=lambda c: c.name)


def _recalled(candidate: Candidate, at: Setting, recall: Recall) -> MemoryLine | None:
    """What an earlier run answered about the candidate's comparison."""
    idea = candidate.idea
    treatment, control = idea.sides(at.subject.primary)
    test = PairedTest(
        metric=idea.metric,
        treatment=treatment,
        control=control,
        null_effect=idea.null_effect,
        predicted_effect=idea.predicted_effect,
        family_size=1,
    )
    return recall(idea.arms, test)


def _repeats(candidate: Candidate, line: MemoryLine | None) -> bool:
    """Whether asking would repeat what was answered: fresh seeds make it a replication."""
    if line is None:
        return False
    return candidate.relation not in FRESH or bool(set(line.seeds) & set(candidate.seeds))


def _as_known(candidate: Candidate, line: MemoryLine) -> Known:
    """A family's first question as an earlier run answered it."""
    told = HypothesisLine(
        id=line.id,
        family=candidate.family,
        title=line.title,
        statement=line.statement,
        rationale="",
        prediction=candidate.idea.prediction,
        refuted_by=candidate.idea.refuted_by,
        round=0,
    )
    return Known(told, None, None, line.ruling)


def beliefs(families: dict[str, Family], known: Iterable[Known]) -> dict[str, tuple[float, float]]:
    """Beta parameters of every family after the rulings so far, through their links."""
    rulings = [(k.hypothesis.family, k.ruling) for k in known]
    updated: dict[str, tuple[float, float]] = {}
    for name, family in families.items():
        yes, no = family.supported, family.unsupported
        for other, ruling in rulings:
            weight = family.links.get(other, 0.0)
            speaks_for = (ruling == "supported") == (weight > 0)
            if ruling in ("supported", "refuted") and weight:
                yes += abs(weight) if speaks_for else 0.0
                no += 0.0 if speaks_for else abs(weight)
        updated[name] = (yes, no)
    return updated


def value(candidate: Candidate, price: Price) -> float:
    """Bits for a CPU-minute, asked alone, at the mean of what is believed of it."""
    yes, no = candidate.belief
    return _score(candidate, yes / (yes + no), price(candidate.idea.arms, candidate.seeds))


def entropy(chance: float) -> float:
    """Bits that a verdict of this chance teaches."""
    if chance <= 0.0 or chance >= 1.0:
        return 0.0
    return -chance * math.log2(chance) - (1 - chance) * math.log2(1 - chance)


def _place(candidate: Candidate, first: Sequence[str]) -> int:
    """Where in `first` it stands, or behind it."""
    return first.index(candidate.name) if candidate.name in first else len(first)


def _score(candidate: Candidate, chance: float, cost_cpu_s: float) -> float:
    bits = entropy(chance) * (1 + REACH * candidate.reach) * (1 + NEARNESS * candidate.near)
    return 60.0 * bits / (max(0.0, cost_cpu_s) + OVERHEAD_CPU_S)


def _together(candidates: Sequence[Candidate], price: Price) -> float:
    """CPU seconds of the candidates' trials, shared ones once."""
    by_seeds: dict[tuple[int, ...], dict[str, Arm]] = {}
    for candidate in candidates:
        arms = by_seeds.setdefault(candidate.seeds, {})
        arms |= {arm.name: arm for arm in candidate.idea.arms}
    return sum(price(tuple(arms.values()), seeds) for seeds, arms in by_seeds.items())


def _unseen(candidate: Candidate, price: Price) -> bool:
    tested = (*candidate.idea.treatment, *candidate.idea.control)
    return price(tested, candidate.seeds) > 0.0


def _first_questions(
    families: dict[str, Family], at: Setting, known: Sequence[Known], seeds: tuple[int, ...]
) -> list[Candidate]:
    belief = beliefs(families, known)
    found = []
    for name, family in families.items():
        idea = family.think(at)
        if idea is not None:
            reach = sum(name in other.links for other in families.values())
            idea = with_permanent(idea, at)
            found.append(Candidate(name, idea, seeds, belief[name], reach=reach))
    return found


def _follow_ups(
    families: dict[str, Family],
    at: Setting,
    known: Sequence[Known],
    seeds: tuple[int, ...],
    fresh: tuple[int, ...],
) -> list[Candidate]:
    found = []
    for node in nodes(families, at, known):
        for relation, idea in growth(node, at):
            on = fresh if relation in FRESH else seeds
            if on:
                past = node.past
                belief = belief_after(past.ruling, relation)
                family, parent = past.hypothesis.family, past.hypothesis.id
                next_idea = with_permanent(idea, at)
                grown = Candidate(family, next_idea, on, belief, relation, parent)
                found.append(replace(grown, above=node.path, root=node.root))
    return found
