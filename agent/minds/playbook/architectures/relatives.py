"""Arms made from an arm by a change of its architecture, at its size and under a name for good."""

from __future__ import annotations

from functools import lru_cache

from pydantic import JsonValue, TypeAdapter

from agent.minds.playbook.family import Setting, all_families
from sandbox.records import digest_of, short_id
from tools.architectures.architecture import Architecture
from tools.architectures.foreign import Candidate
from tools.experiment import Arm
from tools.tool import find_tool

_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)
TOLERANCE = 0.05


def body_of(arm: Arm) -> Architecture | None:
    """The blocks that the arm trains on labels, where that is all that it does."""
    if arm.tool != "train_architecture" or arm.arguments.get("objective"):
        return None
    candidate = _CANDIDATE.validate_python(arm.arguments["architecture"])
    return candidate if isinstance(candidate, Architecture) else None


def relative(at: Setting, arm: Arm, body: Architecture, label: str) -> Arm | None:
    """The arm with another architecture, matched to its size where the two differ by more than 5%.

    None where no size fits, or where the same would be trained. A call that a family makes keeps
    its name; any other is named by what it is, so that equal calls have one name.
    """
    arguments = _at_size(arm, body)
    if arguments is None:
        return None
    call = find_tool(arm.tool).normal(arguments)
    known = _calls(at).get(digest_of([arm.tool, call]))
    names = {"name": f"variant-{short_id(call)[:8]}", "label": label, "arguments": arguments}
    return known or arm.model_copy(update=names)


def alike(one: Arm, other: Arm) -> bool:
    """Whether both train blocks alike on one task, with parameters within 5% of each other."""
    mine, others = ({**arm.arguments, "architecture": {}, "match": {}} for arm in (one, other))
    if mine != others:
        return False
    counts = sorted(_parameters(arm) for arm in (one, other))
    return counts[0] > 0 and counts[1] <= (1 + TOLERANCE) * counts[0]


def _at_size(arm: Arm, body: Architecture) -> dict[str, JsonValue] | None:
    """The arguments that train `body` at the arm's size."""
    from tools.architectures.kin import parameters, trained

    own = trained(arm.arguments)
    found: dict[str, JsonValue] = {**arm.arguments, "architecture": body.model_dump(mode="json")}
    after = trained(found)
    if own is None or after is None:
        return None
    ratio = parameters(found, after) / parameters(arm.arguments, own)
    if not found.get("match") and abs(ratio - 1.0) > TOLERANCE:
        found["match"] = {"quantity": "parameters", "like": own.model_dump(mode="json")}
        after = trained(found)
    return found if after not in (None, own) else None


def _parameters(arm: Arm) -> float:
    """How many the arm trains; 0 where that cannot be told."""
    from tools.architectures.kin import parameters, trained

    body = trained(arm.arguments) if body_of(arm) is not None else None
    return parameters(arm.arguments, body) if body is not None else 0.0


@lru_cache(maxsize=4)
def _calls(at: Setting) -> dict[str, Arm]:
    """The arms of all first questions, by what they call."""
    ideas = (family.think(at) for family in all_families(at.domain).values())
    arms = (arm for idea in ideas if idea is not None for arm in idea.arms)
    return {digest_of([arm.tool, find_tool(arm.tool).normal(arm.arguments)]): arm for arm in arms}
