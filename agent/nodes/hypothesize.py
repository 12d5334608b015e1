"""Choose what to test next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.findings import room, standing
from agent.lab import Lab
from agent.literature import record_nearest
from agent.minds.mind import Proposal, Proposals, ProposeRequest
from agent.state import State, Update
from sandbox.records import DecisionLine, HypothesisLine, short_id

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def hypothesize(state: State, runtime: Runtime[Lab]) -> Update:
    """Record the mind's proposals for this round and why it chose them."""
    lab, round_ = runtime.context, state["round"] + 1
    with lab.stage("hypothesize", round_):
        reply = lab.replies.recall(f"propose-{round_}", Proposals, lambda: _ask(lab, round_))
        left = room(lab, before_round=round_)
        lines = [line_of(proposal, round_) for proposal in reply.hypotheses[:left]]
        why = reply.why or "the mind gave no reason"
        for line in lines:
            lab.ledger.append(line)
            lab.say("hypothesize", line.statement, hypothesis=line.title)
        record_nearest(lab, lines)
        lab.ledger.append(
            DecisionLine(
                id=short_id(["hypothesize", round_]),
                what=f"hypotheses of round {round_}",
                chosen=tuple(line.title for line in lines),
                why=why,
                weights=reply.weights,
            )
        )
        if not lines and round_ == 1:
            lab.failed("hypothesize", why, "raise budget.wall, or ask for something else")
    stopped = "" if lines else f"no hypothesis was proposed: {why}"
    return {"round": round_, "hypotheses": [line.id for line in lines], "stopped": stopped}


def _ask(lab: Lab, round_: int) -> Proposals:
    request = standing(lab, ProposeRequest, round_, before_round=round_)
    return lab.mind.propose(replace(request, first=lab.topic.first))


def line_of(proposal: Proposal, round_: int) -> HypothesisLine:
    """The hypothesis as it is recorded; what it compares is for its plan to say."""
    facts = proposal.model_dump(mode="json", exclude={"contrast"})
    return HypothesisLine.model_validate({"id": short_id(facts), "round": round_, **facts})
