"""Find the literature that the paper may cite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.calls import call_line_id, log_call
from agent.lab import Lab
from agent.literature import left_out
from agent.minds.mind import Call, Calls, SurveyRequest
from agent.state import State, Update
from sandbox.errors import BadInput
from sandbox.records import CallLine
from tools.desk import Desk
from tools.tool import find_tool

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def survey(state: State, runtime: Runtime[Lab]) -> Update:
    """Make the mind's searches; the keys found go into the ledger."""
    lab = runtime.context
    with lab.stage("survey"):
        request = SurveyRequest(lab.topic.question, lab.subject)
        reply = lab.replies.recall("survey", Calls, lambda: lab.mind.survey(request))
        for call in reply.calls:
            _search(lab, call)
        for text in left_out(lab):
            lab.say("survey", text)
    return {}


def _search(lab: Lab, call: Call) -> None:
    if lab.ledger.find(CallLine, call_line_id("survey", call)) is not None:
        return
    try:
        tool = find_tool(call.tool)
        if tool.place != "desk":
            raise BadInput(f"{call.tool} is not a desk tool", "search_literature is")
        found = tool.function(tool.check(call.arguments), Desk(lab.library, lab.ledger))
    except BadInput as error:
        log_call(lab, "survey", call, "refused", str(error))
    else:
        log_call(lab, "survey", call, "ok", found.model_dump_json())
