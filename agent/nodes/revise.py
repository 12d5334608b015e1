"""Answer a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.advice import record_answer
from agent.findings import plan_bodies
from agent.lab import Lab
from agent.minds.mind import ReviseRequest
from agent.nodes.review import earlier_rounds
from agent.press import Press
from agent.state import State, Update
from papers.draft import Prose, draft, redrafted
from papers.revise import revise as mend
from sandbox.errors import CannotResume

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def revise(state: State, runtime: Runtime[Lab]) -> Update:
    """New prose where the mind has better, mechanical mends of the rest, and a new build."""
    lab, number = runtime.context, state["review_round"]
    with lab.stage("revise", number):
        press = Press(lab)
        last = earlier_rounds(lab, number + 1)[-1]
        findings, advice = last.findings, last.opinion.findings
        before = _prose(lab, number - 1)
        request = ReviseRequest(number, before, press.manuscript(), findings, advice)
        prose = lab.replies.recall(f"revise-{number}", Prose, lambda: lab.mind.revise(request))
        manuscript, anew = press.manuscript(), frozenset[str]()
        if prose != before:
            plans = plan_bodies(lab)
            old, new = (draft(p, lab.ledger, lab.facts, plans) for p in (before, prose))
            manuscript, anew = redrafted(manuscript, old, new)
            findings = tuple(f for f in findings if f.mend.section not in anew)
        record_answer(lab, number, advice, anew)
        press.set(mend(manuscript, findings))
    return {}


def _prose(lab: Lab, revision: int) -> Prose:
    """The prose after so many revisions."""
    key = f"revise-{revision}" if revision else "write"
    return lab.replies.recall(key, Prose, _lost)


def _lost() -> Prose:
    raise CannotResume("the mind's prose is not on disk", "start a new run")
