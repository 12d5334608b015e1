"""What a trial's first job left for the one that answers, looked at as hostile data."""

from __future__ import annotations

from sandbox.errors import OutputRejected
from sandbox.hostile_tensors import tensor_heads
from tools.answer import Answer
from tools.roster import Planned
from tools.tool import find_tool
from tools.trial_folder import TrialFolder

TENSORS = ".safetensors"


def check_made(planned: Planned, answer: Answer, folder: TrialFolder) -> None:
    """Raise OutputRejected unless everything is there, plain, and what the call can have made."""
    for name in answer.leaves:
        file = folder.model / name
        if not file.is_file():
            raise OutputRejected(f"it left no {name}", "see stderr.log in the trial's folder")
        if name.endswith(TENSORS) and not tensor_heads(file):
            raise OutputRejected(f"{name} holds no tensor", "see stderr.log in the trial's folder")
    answer.check(find_tool(planned.spec.tool).check(planned.spec.arguments), folder.model)
