"""All the branching of the graph."""

from __future__ import annotations

from typing import Literal

from agent.state import State


def after_hypothesize(state: State) -> Literal["design", "write"]:
    """Nothing left to ask: write up what there is."""
    return "design" if state["hypotheses"] else "write"


def after_interpret(state: State) -> Literal["hypothesize", "write"]:
    """Ask again while the family has room, the budget lasts and the mind expects to learn."""
    return "hypothesize" if state["again"] else "write"


def after_review(state: State) -> Literal["revise", "publish"]:
    """Revise while the stop rules of papers.revise see a point in it."""
    return "revise" if state["revise"] else "publish"
