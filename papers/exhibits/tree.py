"""The tree of hypotheses: what was asked first, and what followed from what."""

from __future__ import annotations

from dataclasses import dataclass

from papers.manuscript import Figure, Series
from papers.record_view import RecordView
from sandbox.records import HypothesisLine, MemoryLine

LEAST_EDGES = 2
MARKS = {
    "supported": "supported",
    "refuted": "refuted",
    "inconclusive": "undecided",
    "": "untested",
}
"""Ruling -> what the legend calls it."""
BEFORE = "answered before"


@dataclass(frozen=True)
class _Node:
    """title: a reference, which no other node of the tree has. parent: of its title."""

    title: str
    round: str
    mark: str
    parent: str = ""
    relation: str = ""


def tree_figure(view: RecordView) -> Figure | None:
    """Every hypothesis in the round that asked it; nothing where fewer than two follow another."""
    nodes = _nodes(view)
    at = {node.title: node.round for node in nodes}
    edges = [node for node in nodes if node.parent in at]
    if len(edges) < LEAST_EDGES:
        return None
    series = [_series("hypotheses", [(node.title, node.round) for node in nodes])]
    for mark in (*MARKS.values(), BEFORE):
        marked = [(node.title, node.round) for node in nodes if node.mark == mark]
        series += [_series(mark, marked)] if marked else []
    for relation in dict.fromkeys(node.relation for node in edges):
        ends = [
            (title, at[title])
            for node in edges
            if node.relation == relation
            for title in (node.parent, node.title)
        ]
        series.append(_series(relation, ends))
    return Figure(
        label="fig:tree",
        caption="The tree of hypotheses, each in the round that asked it; those of one round were "
        "asked together. An edge leads to what follows from a hypothesis and says how. Marks give "
        "the verdicts; long titles are cut.",
        draw="tree",
        series=tuple(series),
        x_label="round",
        y_label="",
        wide=True,
        alt="Tree of the hypotheses: which follows from which, by round, with their verdicts.",
    )


def _nodes(view: RecordView) -> list[_Node]:
    """What earlier runs answered, where something follows from it; then the run's hypotheses."""
    lines = view.ledger.lines(HypothesisLine)
    followed = {line.parent for line in lines}
    titles: dict[str, str] = {}
    found: list[_Node] = []
    for past in view.ledger.lines(MemoryLine):
        if past.id in followed:
            title = _own(f"{{{{memory:{past.id}.title|text}}}}", past.title, titles, past.id)
            found.append(_Node(title, f"memory:{past.id}.round", BEFORE))
    for line in lines:
        title = _own(f"{{{{hypothesis:{line.id}.title|text}}}}", line.title, titles, line.id)
        parent = titles.get(line.parent, "")
        mark = MARKS[view.ruling(line.id) if _compared(view, line.id) else ""]
        found.append(_Node(title, f"hypothesis:{line.id}.round", mark, parent, line.relation))
    return found


def _own(reference: str, words: str, titles: dict[str, str], id: str) -> str:
    """The reference to a title, told apart from those before it that read the same."""
    titles[f"words {id}"] = words
    again = sum(other == words for key, other in titles.items() if key.startswith("words ")) - 1
    titles[id] = reference + " (again)" * again
    return titles[id]


def _compared(view: RecordView, hypothesis: str) -> bool:
    return any(line.hypothesis == hypothesis for line in view.comparisons)


def _series(label: str, points: list[tuple[str, str]]) -> Series:
    return Series(label=label, x=tuple(x for x, _ in points), y=tuple(y for _, y in points))
