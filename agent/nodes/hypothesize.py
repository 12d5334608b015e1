"""Choose what to test next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.findings import Price, affordable_cpu_s, fresh_seeds, known, room
from agent.lab import Lab
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
        before = [h for h in lab.ledger.lines(HypothesisLine) if h.round < round_]
        left = lab.topic.hypotheses - len(before)
        lines = [_line(proposal, round_) for proposal in reply.hypotheses[:left]]
        for line in lines:
            lab.ledger.append(line)
            lab.say("hypothesize", line.statement, hypothesis=line.title)
        lab.ledger.append(
            DecisionLine(
                id=short_id(["hypothesize", round_]),
                what=f"hypotheses of round {round_}",
                chosen=tuple(line.title for line in lines),
                why=reply.why or "the mind gave no reason",
                weights=reply.weights,
            )
        )
    stopped = "" if lines else "no hypothesis was left that the budget could test"
    return {"round": round_, "hypotheses": [line.id for line in lines], "stopped": stopped}


def _ask(lab: Lab, round_: int) -> Proposals:
    request = ProposeRequest(
        question=lab.topic.question,
        subject=lab.subject,
        round=round_,
        room=room(lab),
        afford_cpu_s=affordable_cpu_s(lab),
        price=Price(lab),
        known=known(lab, round_),
        first=lab.topic.first if round_ == 1 else (),
        seeds=lab.seeds,
        fresh=fresh_seeds(lab),
        evaluations=lab.evaluations,
        seed=lab.settings.seed,
    )
    return lab.mind.propose(request)


def _line(proposal: Proposal, round_: int) -> HypothesisLine:
    facts = proposal.model_dump(mode="json")
    return HypothesisLine.model_validate({"id": short_id(facts), "round": round_, **facts})
