"""Whether the two sides of a model's own hypothesis make a comparison that could teach something.

A comparison may be formally sound and scientifically empty: one call under two labels, a control
that was made worse than it has to be, a treatment that was trained for longer, is larger, or was
asked an easier exam. Each such case is one sentence here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from pydantic import JsonValue

from tools.experiment import Arm
from tools.tool import find_tool

Arguments = Mapping[str, JsonValue]
EXAM = ("task", "size", "changes")
EFFORT = (
    "steps", "seconds", "rates", "batch", "evaluations", "dev_items", "learning_rate",
    "search_steps", "search_rate", "search_task", "passes",
)  # fmt: skip
THINGS: Mapping[str, tuple[str, ...]] = {
    "the rule of merging": ("method", "parameters", "own_methods"),
    "the weights": ("weights", "components", "groups"),
    "the models": ("roles", "base", "role"),
    "the layers": ("swap",),
    "the architecture": ("architecture", "match", "own_blocks"),
    "the objective": ("objective", "own_objectives"),
    "the optimiser": ("optimizer", "weight_decay"),
}
"""What two sides of one tool may differ in, as one thing each."""
LEAST_WEIGHT, MOST_WEIGHT = 0.0, 1.0
"""Of a model in a merge that is a control: beyond them it is made worse than anybody would."""
_BOAST = re.compile(
    r"\b(?:best|optimal|optimi[sz]ed|ideal|perfect|superior|strong|winning|tuned|oracle|ours|"
    r"weak|poor|bad|na[iï]ve|broken)\b",
    re.IGNORECASE,
)
_RULED = re.compile(
    r"\b(?:supported|refuted|confirmed|prove[nsd]?|verified|shown)\b", re.IGNORECASE
)


def unfair(treatment: Arm, control: Arm, superiority: bool) -> Iterator[str]:
    """What makes the comparison empty. superiority: that it claims a gain, not the lack of a loss.

    Raises BadInput or UnknownName for calls that no tool takes.
    """
    mine, other = _arguments(treatment), _arguments(control)
    if treatment.tool == control.tool and _plain(mine) == _plain(other):
        yield "the two sides are the same call under two labels: compare different things"
        return
    yield from _unequal(mine, other)
    if treatment.tool == control.tool:
        yield from _several(mine, other)
    yield from _sizes(mine, other)
    if superiority and control.tool == "merge":
        yield from _crippled(other)


def label_faults(arm: Arm, known: Mapping[str, Arm]) -> Iterator[str]:
    """What a label claims that its call is not. known: call -> arm that has a name already."""
    found = _BOAST.search(arm.label)
    if found:
        yield f"the label {arm.label!r} judges: say what the call does, without {found.group(0)!r}"
    yield from ruled_faults(arm.label, "label")
    taken = {_words(other.label) for other in known.values()}
    if _words(arm.label) in taken:
        yield f"the label {arm.label!r} is that of another call: say what this call does"


def ruled_faults(text: str, what: str) -> Iterator[str]:
    """A ruling in a text that stands in the paper however the test ends."""
    if found := _RULED.search(text):
        yield f"the {what} says {found.group(0)!r} before anything is tested"


def _unequal(mine: Arguments, other: Arguments) -> Iterator[str]:
    for names, what in ((EXAM, "asked the same"), (EFFORT, "given the same effort")):
        for name in names:
            if name in mine and name in other and mine[name] != other[name]:
                yield f"both sides have to be {what}, and their {name} differs"


def _several(mine: Arguments, other: Arguments) -> Iterator[str]:
    differ = [
        thing
        for thing, names in THINGS.items()
        if any(mine.get(name) != other.get(name) for name in names)
    ]
    if len(differ) > 1:
        yield f"the sides differ in {' and '.join(differ)}: let them differ in one thing"


def _sizes(mine: Arguments, other: Arguments) -> Iterator[str]:
    """Two architectures have to be of one size, or one of them brought to the size of the other."""
    bodies = [side.get("architecture") for side in (mine, other)]
    if None in bodies or bodies[0] == bodies[1]:
        return
    matches = [side.get("match") for side in (mine, other)]
    likes = [match.get("like") if isinstance(match, dict) else None for match in matches]
    same_aim = matches[0] is not None and matches[0] == matches[1]
    if not (same_aim or likes[0] == bodies[1] or likes[1] == bodies[0]):
        yield (
            "the architectures may differ in size: give one of them a match, such as "
            '{"quantity": "parameters", "like": the other\'s architecture}'
        )


def _crippled(other: Arguments) -> Iterator[str]:
    weights = [value for place in _places(other) for value in place.values()]
    if any(not LEAST_WEIGHT <= weight <= MOST_WEIGHT for weight in weights):
        yield "the control is made worse than it has to be: give it weights from 0 to 1"
    roles = cast("list[str]", other.get("roles") or [])
    plain = cast("Mapping[str, float]", other.get("weights") or {})
    if sum(plain.get(role, 1.0) != 0 for role in roles) < 2 and not other.get("swap"):
        yield "the control merges nothing: give two models a weight there, or evaluate one"


def _places(arguments: Arguments) -> Iterator[Mapping[str, float]]:
    """Every mapping from a model to its weight."""
    yield cast("Mapping[str, float]", arguments.get("weights") or {})
    for name in ("components", "groups"):
        yield from cast("Mapping[str, Mapping[str, float]]", arguments.get(name) or {}).values()


def _plain(arguments: Arguments) -> str:
    """The call without what says nothing, such as a weight of one, which all have anyway."""
    said = dict(arguments)
    if "weights" in said:
        plain = cast("Mapping[str, float]", said["weights"] or {})
        said["weights"] = {role: weight for role, weight in plain.items() if weight != 1}
        places = dict(said)
        for name in ("components", "groups"):
            parts = cast("Mapping[str, Mapping[str, float]]", places.get(name) or {})
            kept = {part: dict(of) for part, of in parts.items() if dict(of) != dict(plain)}
            said[name] = cast("JsonValue", kept)
    return json.dumps(said, sort_keys=True)


def _arguments(arm: Arm) -> Arguments:
    return find_tool(arm.tool).normal(arm.arguments)


def _words(label: str) -> str:
    return " ".join(re.findall(r"[a-z]+", label.lower()))
