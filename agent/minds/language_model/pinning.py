"""What a call of the model's becomes in a run: the run's own costs, and names that are known."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from agent.minds.playbook.architectures.arms import SCALES, size_of
from agent.minds.playbook.family import Setting
from agent.written_code import name_code
from tools.architectures.architecture import Architecture
from tools.architectures.objective import find_objective
from tools.architectures.training_arguments import ObjectiveChoice
from tools.experiment import Arm
from tools.tool import find_tool


def pinned(tool: str, asked: Mapping[str, JsonValue], at: Setting) -> dict[str, JsonValue]:
    """The arguments with the run's own cost of a search or a training, equal for all arms."""
    fields = find_tool(tool).arguments.model_fields
    arguments = name_code(at.subject, tool, dict(asked))
    if "evaluations" in fields:
        arguments["evaluations"] = at.evaluations
    if {"rates", "steps", "batch", "size"} <= fields.keys():
        scale = SCALES[size_of(at)]
        arguments.setdefault("task", at.subject.primary)
        arguments |= {
            "size": size_of(at),
            "rates": list(scale.rates),
            "steps": scale.steps,
            "batch": scale.batch,
        }
        arguments.pop("seconds", None)  # which would go before the steps
    return arguments


def check_names(arm: Arm, own: frozenset[str]) -> None:
    """Raise BadInput or UnknownName for names within the arguments that a schema cannot know.

    own: names of the run's own files, which obeyed their laws before they were admitted.
    """
    tool = find_tool(arm.tool)
    call = tool.check(arm.arguments)
    brought = {named.seam for named in tool.code(arm.arguments) if named.name in own}
    architecture = getattr(call, "architecture", None)
    if isinstance(architecture, Architecture) and "block" not in brought:
        architecture.checked()
    objective = getattr(call, "objective", None)
    if isinstance(objective, ObjectiveChoice) and "objective" not in brought:
        find_objective(objective.name).check(objective.parameters)
    method = getattr(call, "method", None)
    if isinstance(method, str) and "merge_method" not in brought:
        from tools.merging.method import find_method

        find_method(method)
