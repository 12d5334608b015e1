"""The tree of hypotheses: families' first questions, and what follows from what was found.

Every asked hypothesis is a node; what may follow it by its relation and its ruling is what the tree
could grow next. Nothing but the ledger's hypotheses and their rulings is kept: an idea is thought
of again from its family and the relations on its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agent.minds.mind import Known
from agent.minds.playbook.family import Family, Idea, Setting
from agent.minds.playbook.planned import contrast_of, node_name, planned_idea
from agent.minds.playbook.relations import DEEPEST, EITHER_WAY, FOLLOW_UPS, ONWARD, worth
from sandbox.records import HypothesisLine, Relation

Path = tuple[Relation, ...]


@dataclass(frozen=True)
class Node:
    """A hypothesis that was asked. path: its relations from its first question on.

    root: name of that question where no family has it.
    """

    past: Known
    idea: Idea
    path: Path
    root: str = ""

    @property
    def name(self) -> str:
        """`family`, or `family/relation/...`."""
        return "/".join((self.root or self.past.hypothesis.family, *self.path))


def paths(lines: Iterable[HypothesisLine]) -> dict[str, Path]:
    """Hypothesis -> its relations from its family's first question on. Parents come first."""
    found: dict[str, Path] = {}
    for line in lines:
        above = found.get(line.parent, ())
        found[line.id] = (*above, line.relation) if line.relation else ()
    return found


def thought(family: Family, path: Path, at: Setting) -> Idea | None:
    """The idea at the end of a path; None where the family no longer gives it."""
    idea = family.think(at)
    for relation in path:
        follow = FOLLOW_UPS[at.domain].get(relation)
        idea = follow(idea, at) if idea is not None and follow is not None else None
    return idea


def nodes(families: Mapping[str, Family], at: Setting, known: Iterable[Known]) -> Iterator[Node]:
    """The asked hypotheses; parts of a gate are followed by nothing.

    An idea that no family has is read back from its plan.
    """
    known = tuple(known)
    ways = paths(past.hypothesis for past in known)
    for past in known:
        family = families.get(past.hypothesis.family)
        path = ways[past.hypothesis.id]
        if not _grows(path) or (family is not None and family.gate):
            continue
        idea = planned_idea(past) if family is None else thought(family, path, at)
        if idea is not None:
            yield Node(past, idea, path, "" if family else node_name(past.hypothesis.title))


def growth(node: Node, at: Setting) -> Iterator[tuple[Relation, Idea]]:
    """Relation and idea of everything that could follow a node.

    What no family has is planned from two arms, so the best of several cannot follow it.
    """
    onward = onward_from(node.path, at)
    for relation, follow in FOLLOW_UPS[at.domain].items():
        idea = follow(node.idea, at) if relation in onward and worth(relation, node.past) else None
        if idea is not None and (not node.root or contrast_of(idea) is not None):
            yield relation, idea


def onward_from(path: Path, at: Setting) -> frozenset[Relation]:
    """Relations by which something may follow the end of a path."""
    if not path:
        return frozenset(FOLLOW_UPS[at.domain])
    return ONWARD.get(path[-1], frozenset()) if len(path) < DEEPEST else frozenset()


def belief_after(ruling: str, relation: str) -> tuple[float, float]:
    """The Beta belief of what follows a node: what its ruling says of it."""
    if relation in EITHER_WAY or ruling not in ("supported", "refuted"):
        return (1.0, 1.0)
    return (2.5, 1.0) if ruling == "supported" else (1.0, 2.5)


def _grows(path: Path) -> bool:
    return not path or (path[-1] in ONWARD and len(path) < DEEPEST)
