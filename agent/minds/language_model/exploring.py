"""What the model is told before it looks around: the study, the tools, how its code is written."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agent.fence import fenced
from agent.minds.language_model.briefing import about, known_so_far
from agent.minds.language_model.prompt import listed, prompt
from agent.minds.mind import ProposeRequest
from agent.minds.playbook.choose import Candidate
from tools.experiment import Arm
from tools.kind import KINDS, Kind
from tools.own_code import brought_code, seams_of
from tools.subject import Subject
from tools.tool import find_tool


def exploration(request: ProposeRequest, open_: Sequence[Candidate]) -> str:
    """The request that opens the conversation. open_: questions whose arms show what is called."""
    return prompt(
        "explore",
        question=fenced("The person's topic", request.question),
        subject=about(request.subject),
        known=listed(known_so_far(request.known)),
        tools=listed([_told(name, arm) for name, arm in sorted(arm_examples(open_).items())]),
        code=code_told(request.subject),
        written=", ".join(f"`{name}`" for name in brought_code(request.subject)) or "none",
    )


def arm_examples(open_: Sequence[Candidate]) -> dict[str, Arm]:
    """The tools that arms call, each with an arm that calls it."""
    examples: dict[str, Arm] = {}
    for candidate in open_:
        for arm in candidate.idea.arms:
            examples.setdefault(arm.tool, arm)
    return examples


def _told(name: str, arm: Arm) -> str:
    example = json.dumps(arm.arguments, separators=(",", ":"))
    return f"`{name}`: {find_tool(name).summary} Example, {arm.label}: {example}"


def code_told(subject: Subject) -> str:
    """How files of the kinds that the subject has a use for are written."""
    told = [_how(KINDS[seam]) for seam in seams_of(subject)]
    return "\n\n".join(told) or "This study has no use for code of yours."


def _how(kind: Kind) -> str:
    allowed = kind.how_written().allowed
    return prompt(kind.prompt, imports=", ".join(allowed), names=", ".join(kind.built_in()))
