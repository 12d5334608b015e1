"""How a hypothesis may follow from an earlier one, by what the subject is about."""

from __future__ import annotations

from collections.abc import Mapping

from agent.minds.playbook import followups
from agent.minds.playbook.architectures import followups as architectures
from agent.minds.playbook.architectures import variations
from agent.minds.playbook.followups import Follow

_MERGING: Mapping[str, Follow] = followups.FOLLOW_UPS
_ARCHITECTURES: Mapping[str, Follow] = {
    "ablate": variations.ablate,
    "cross": variations.cross,
    "generalise": architectures.generalise,
    "mutate": variations.mutate,
    "promote": architectures.promote,
    "replicate": followups.replicate,
}
FOLLOW_UPS: Mapping[str, Mapping[str, Follow]] = {
    "merging": _MERGING,
    "architectures": _ARCHITECTURES,
}
"""Domain -> relation -> the idea that follows."""
FRESH = frozenset({"replicate"})
"""Relations whose plans take seeds that no trial has used."""
WINNERS = frozenset({"promote", "mutate", "cross"})
"""Relations that only supported hypotheses have."""
EITHER_WAY = frozenset({"ablate", "mutate", "cross"})
"""Relations of which the parent's ruling says little: another architecture is trained."""


def may_follow(relation: str, ruling: str) -> bool:
    """Whether a hypothesis with that ruling is followed up so."""
    return bool(ruling) and (relation not in WINNERS or ruling == "supported")
