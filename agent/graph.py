"""The research loop, all of its wiring on one page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.lab import Lab
from agent.routes import after_hypothesize, after_interpret, after_review
from agent.state import State, fresh

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph.state import CompiledStateGraph

GRAPH_VERSION = 2
"""Raise it when a node is renamed, added or removed: a run of another version is not resumed."""


def research_graph(saver: SqliteSaver) -> CompiledStateGraph[State, Lab, State, State]:
    """Ask, test and read, round after round; then write, and review until it may be published."""
    from langgraph.graph import END, START, StateGraph

    from agent.nodes.design import design
    from agent.nodes.experiment import experiment
    from agent.nodes.hypothesize import hypothesize
    from agent.nodes.interpret import interpret
    from agent.nodes.publish import publish
    from agent.nodes.review import review
    from agent.nodes.revise import revise
    from agent.nodes.survey import survey
    from agent.nodes.write import write

    graph = StateGraph(State, context_schema=Lab)
    graph.add_node("survey", survey)
    graph.add_node("hypothesize", hypothesize)
    graph.add_node("design", design)
    graph.add_node("experiment", experiment)
    graph.add_node("interpret", interpret)
    graph.add_node("write", write)
    graph.add_node("review", review)
    graph.add_node("revise", revise)
    graph.add_node("publish", publish)

    graph.add_edge(START, "survey")
    graph.add_edge("survey", "hypothesize")
    graph.add_conditional_edges("hypothesize", after_hypothesize)
    graph.add_edge("design", "experiment")
    graph.add_edge("experiment", "interpret")
    graph.add_conditional_edges("interpret", after_interpret)
    graph.add_edge("write", "review")
    graph.add_conditional_edges("review", after_review)
    graph.add_edge("revise", "review")
    graph.add_edge("publish", END)
    return graph.compile(checkpointer=saver)


def research(lab: Lab, thread: str) -> None:
    """Run the graph to its end, from its last checkpoint where there is one."""
    with checkpoints(lab.folder / "graph.sqlite") as saver:
        graph = research_graph(saver)
        config: Any = {"configurable": {"thread_id": thread}, "max_concurrency": 1}
        begun = graph.get_state(config).created_at is not None
        graph.invoke(None if begun else fresh(), config, context=lab, durability="sync")


@contextmanager
def checkpoints(path: Path) -> Iterator[SqliteSaver]:
    """The run's checkpoint store: plain JSON values, nothing that could run code when read."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        yield SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=[]))
    finally:
        connection.close()
