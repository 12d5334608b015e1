"""How a hypothesis may follow from an earlier one, by what the subject is about.

A first question has no relation: it is a draft. `debug` mends what could not be run, `improve`
pushes a near miss or a winner further, `ablate` takes a part away, `replicate` asks on fresh data,
`generalise` in another setting, `promote` on the task held back, `mutate` varies a detail, and
`cross` combines two winners.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.minds.mind import Known
from agent.minds.playbook import crossing, followups, pushing
from agent.minds.playbook.architectures import followups as architectures
from agent.minds.playbook.architectures import variations
from agent.minds.playbook.followups import Follow
from sandbox.records import Relation

_MERGING: Mapping[Relation, Follow] = {
    **followups.FOLLOW_UPS,
    "cross": crossing.cross,
    "debug": pushing.debug,
    "improve": pushing.improve,
}
_ARCHITECTURES: Mapping[Relation, Follow] = {
    "ablate": variations.ablate,
    "cross": variations.cross,
    "debug": pushing.debug,
    "generalise": architectures.generalise,
    "improve": architectures.improve,
    "mutate": variations.mutate,
    "promote": architectures.promote,
    "replicate": followups.replicate,
}
FOLLOW_UPS: Mapping[str, Mapping[Relation, Follow]] = {
    "merging": _MERGING,
    "architectures": _ARCHITECTURES,
}
"""Domain -> relation -> the idea that follows."""
FRESH = frozenset({"replicate"})
"""Relations whose plans take seeds that no trial has used."""
WINNERS = frozenset({"promote", "mutate", "cross"})
"""Relations that only supported hypotheses have."""
EITHER_WAY = frozenset({"ablate", "mutate", "cross", "debug"})
"""Relations of which the parent's ruling says little: another architecture is trained, or the
parent's trials were no fair test."""
ONWARD: Mapping[str, frozenset[Relation]] = {
    "debug": frozenset({"debug", "replicate"}),
    "improve": frozenset({"replicate"}),
}
"""Relation -> what may follow a hypothesis that came by it; nothing follows the others."""
DEEPEST = 3
"""Relations on the longest path from a family's first question."""


def may_follow(relation: str, ruling: str) -> bool:
    """Whether a hypothesis with that ruling is followed up so, by its ruling alone."""
    if relation == "debug":
        return True
    return bool(ruling) and (relation not in WINNERS or ruling == "supported")


def worth(relation: str, past: Known) -> bool:
    """Whether what is known of a hypothesis is a reason to follow it up so.

    Mended is what could not be measured, or whose training diverged; pushed further is a winner,
    or what was not decided and lies on the predicted side of its null value.
    """
    if relation == "debug":
        return bool(past.troubles) and (not past.ruling or "diverged" in past.troubles.values())
    if relation == "improve" and past.ruling != "supported":
        found = past.comparison
        undecided = past.ruling == "inconclusive" and found is not None
        return undecided and found is not None and found.effect > found.null_effect
    return may_follow(relation, past.ruling)
