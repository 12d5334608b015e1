"""Values that were configured, not measured: paths into run.json and into a frozen plan."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from papers.value import Unit, Value
from sandbox.errors import UnbackedNumber

_SHORT = {
    "alpha": "test.alpha",
    "family_size": "test.family_size",
    "null_effect": "test.null_effect",
    "predicted_effect": "test.predicted_effect",
}


def configured(tree: JsonValue, path: str, source: str) -> Value:
    """The number or text at a dotted path. A list stands for its length.

    In a list the position is a step, and of named things the name (`roles.skill.label`), which may
    hold dots. In a plan, `arm.NAME.ARGUMENT` is short for `arms.NAME.arguments.ARGUMENT`. Raises
    UnbackedNumber naming what is there.
    """
    steps = _SHORT.get(path, path)
    if steps.startswith("arm."):
        steps = _argument(tree, steps.removeprefix("arm."))
    node, rest = tree, steps
    while rest:
        node, rest = _step(node, rest, path, source)
    return _value(node, steps, source)


def _argument(tree: JsonValue, rest: str) -> str:
    """`NAME.X` -> `arms.NAME.arguments.X`, unless X is a field of the arm itself."""
    name, _, field = rest.partition(".")
    arms = tree.get("arms") if isinstance(tree, dict) else None
    for arm in arms if isinstance(arms, list) else []:
        if isinstance(arm, dict) and arm.get("name") == name and field in arm:
            return f"arms.{name}.{field}"
    return f"arms.{name}.arguments.{field}"


def _step(node: JsonValue, rest: str, path: str, source: str) -> tuple[JsonValue, str]:
    """Go down by the longest name that `rest` begins with."""
    children = _children(node)
    for name in sorted(children, key=len, reverse=True):
        if rest == name or rest.startswith(f"{name}."):
            return children[name], rest[len(name) + 1 :]
    raise UnbackedNumber(
        f"{source} has nothing at {path!r}",
        f"there is: {', '.join(sorted(children))}" if children else "the path is too long",
    )


def _children(node: JsonValue) -> Mapping[str, JsonValue]:
    if isinstance(node, dict):
        return node
    if isinstance(node, list):
        named = {str(c["name"]): c for c in node if isinstance(c, dict) and "name" in c}
        return {**{str(place): child for place, child in enumerate(node)}, **named}
    return {}


def _value(node: JsonValue, path: str, source: str) -> Value:
    sources = (source,)
    if isinstance(node, bool):
        return Value("yes" if node else "no", "text", sources, path)
    if isinstance(node, str):
        return Value(node, "text", sources, path)
    if isinstance(node, list):
        return Value(float(len(node)), "count", sources, path)
    if isinstance(node, int | float):
        return Value(float(node), _unit(path, node), sources, path)
    raise UnbackedNumber(f"{source}: {path!r} is neither a number nor text", "go one step deeper")


def _unit(path: str, node: float) -> Unit:
    name = path.rpartition(".")[2]
    if name.endswith("_s"):
        return "s"
    if name.endswith("_bytes"):
        return "bytes"
    if name.endswith("_effect"):
        return "points"
    if name == "chance":
        return "fraction"
    return "count" if isinstance(node, int) else "number"
