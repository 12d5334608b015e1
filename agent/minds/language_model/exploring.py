"""What the model is told before it looks around: the study, the tools, how its code is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from agent.fence import fenced
from agent.minds.language_model.briefing import about, known_so_far
from agent.minds.language_model.prompt import listed, prompt
from agent.minds.mind import ProposeRequest
from agent.minds.playbook.choose import Candidate
from sandbox.records import Seam
from tools.architectures.own_block import BLOCK
from tools.architectures.own_objective import OBJECTIVE
from tools.experiment import Arm
from tools.merging.method import all_methods
from tools.merging.own_method import METHOD
from tools.own_code import Grammar, brought_code, seams_of
from tools.subject import Subject
from tools.tasks.own_task import SUITE, TASK
from tools.tool import find_tool

GRAMMARS: Mapping[Seam, Grammar] = {
    "block": BLOCK,
    "merge_method": METHOD,
    "objective": OBJECTIVE,
    "task": TASK,
}
"""By what a subject's files declare."""


_TAKEN: Mapping[Seam, Grammar] = {"task": SUITE}
"""Whose names are taken, where they are declared otherwise."""


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
    told = [_how(seam, GRAMMARS[seam]) for seam in seams_of(subject) if seam in GRAMMARS]
    return "\n\n".join(told) or "This study has no use for code of yours."


def _how(seam: Seam, grammar: Grammar) -> str:
    taken = _methods() if seam == "merge_method" else sorted(_TAKEN.get(seam, grammar).names())
    return prompt(f"code_{seam}", imports=", ".join(grammar.allowed), names=", ".join(taken))


def _methods() -> Iterator[str]:
    """The merge methods of Hanji, with what their `parameters` may hold."""
    for name, method in all_methods().items():
        own = (f"{key.rstrip('_')}={given.default}" for key, given in method.parameters.items())
        yield f"{name}({', '.join(own)})"
