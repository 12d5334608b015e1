"""What is checkpointed: small scalars and ids only; everything else is in the ledger."""

from __future__ import annotations

from typing import TypedDict


class State(TypedDict):
    """Where the run stands.

    round: of hypotheses, from 1. hypotheses, plans: ids of this round. again: another round is
    worth its cost.

    stopped: why no further round is begun. review_round: from 1. sound: the last review left
    nothing that blocks. revise: another revision is worth making.
    """

    round: int
    hypotheses: list[str]
    plans: list[str]
    again: bool
    stopped: str
    review_round: int
    sound: bool
    revise: bool


class Update(TypedDict, total=False):
    """What a node changes."""

    round: int
    hypotheses: list[str]
    plans: list[str]
    again: bool
    stopped: str
    review_round: int
    sound: bool
    revise: bool


def fresh() -> State:
    """The state before the first node."""
    return State(
        round=0,
        hypotheses=[],
        plans=[],
        again=False,
        stopped="",
        review_round=0,
        sound=False,
        revise=False,
    )
