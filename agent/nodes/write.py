"""Write the paper from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.claims import seal_verdicts
from agent.findings import known, plan_bodies, verdicts
from agent.lab import Lab
from agent.minds.mind import WriteRequest
from agent.press import Press
from agent.state import State, Update
from papers.draft import Prose, draft

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def write(state: State, runtime: Runtime[Lab]) -> Update:
    """Seal the verdicts, ask the mind for prose, and build the first draft."""
    lab = runtime.context
    with lab.stage("write"):
        seal_verdicts(lab)
        plans = plan_bodies(lab)
        request = WriteRequest(
            question=lab.topic.question,
            title=lab.topic.title,
            language=lab.settings.language,
            subject=lab.subject,
            ledger=lab.ledger,
            facts=lab.facts,
            plans=plans,
            known=known(lab, state["round"] + 1),
            verdicts=verdicts(lab),
            literature=lab.library.keys(),
            stopped=state["stopped"],
        )
        prose = lab.replies.recall("write", Prose, lambda: lab.mind.write(request))
        Press(lab).set(draft(prose, lab.ledger, lab.facts, plans))
    return {}
