"""Calls that train architectures, short enough to print: what all arms share is told once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from papers.exhibits.architecture_view import ArchitectureView
from papers.manuscript import Block, Items, Paragraph

PLAIN: Mapping[str, object] = {
    "norm": "rms",
    "norm_place": "pre",
    "position": "none",
    "parallel": False,
    "loops": 1,
    "residual": "plain",
    "tied": False,
    "embedding_std": 0.02,
}
"""What an architecture has that is not told."""
_OWN = ("own_blocks", "own_objectives", "own_tasks")
_TOLD_APART = ("architecture", "match", *_OWN, "start", "teacher")
_DIGITS = 12
"""Of a digest, where the whole of it stands elsewhere."""


def calls(view: ArchitectureView) -> tuple[Block, ...]:
    """The shared arguments in one paragraph, then every arm with what is its own."""
    flat = {name: _flat(arm.arguments) for name, arm in view.records.arms.items()}
    if not flat:
        return ()
    shared = _shared(list(flat.values()))
    known = {_body(arm.arguments): view.records.label(n) for n, arm in view.records.arms.items()}
    tools = {arm.tool for arm in view.records.arms.values()}
    rows = []
    for name, arguments in flat.items():
        arm = view.records.arms[name]
        own = {key: value for key, value in arguments.items() if key not in shared}
        given = _call(arm.tool if len(tools) > 1 else "", own)
        rows.append(f"{view.records.label(name)}: {given}{_like(arm.arguments, known)}")
    alike = _call(tools.pop() if len(tools) == 1 else "", shared)
    return (
        Paragraph(text=f"Common to all arms: {alike}. Beyond that:"),
        Items(items=tuple(rows)),
    )


def _call(tool: str, arguments: Mapping[str, str]) -> str:
    """As in `train_architecture: batch=32, steps=800`; either may be left out."""
    parts = [part for part in (tool, _listed(arguments)) if part]
    return f"{{{{code:{': '.join(parts)}}}}}" if parts else "nothing"


def _flat(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Arguments by name, those of the architecture beside the others, each as a short text."""
    body = arguments.get("architecture")
    fields = dict(body) if isinstance(body, dict) else {}
    layers = fields.pop("layers", [])
    rest = {k: v for k, v in arguments.items() if k not in _TOLD_APART}
    found = {k: short(v) for k, v in {**rest, **fields}.items() if v not in ({}, [], None)}
    if layers:
        found["layers"] = _stack([_layer(layer) for layer in layers])
    for key in _OWN:
        own = arguments.get(key)
        if isinstance(own, dict) and own:
            found[key] = short([f"{name} {digest[:_DIGITS]}" for name, digest in own.items()])
    starts = arguments.get("start")
    if isinstance(starts, list):
        found["start"] = short([described(one) for one in starts])
    teacher = arguments.get("teacher")
    if isinstance(teacher, dict):
        found["teacher"] = f"({described(teacher['architecture'])}, steps={teacher['steps']})"
    match = arguments.get("match")
    if isinstance(match, dict):
        found["match"] = str(match.get("quantity"))
    return found


def _shared(flat: list[dict[str, str]]) -> dict[str, str]:
    """What all arms have with one value."""
    return {k: v for k, v in flat[0].items() if len(flat) > 1 and all(f.get(k) == v for f in flat)}


def _listed(arguments: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(arguments.items()))


def short(value: object) -> str:
    """A value without the marks of JSON; braces would end a reference early."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key}={short(each)}" for key, each in value.items() if each != {})
        return f"({inside})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(short(each) for each in value)}]"
    return str(value).replace("{", "(").replace("}", ")")


def described(body: Mapping[str, Any]) -> str:
    """An architecture in a line: its layers, its width, and what is not plain about it."""
    parts = [_stack([_layer(layer) for layer in body["layers"]]), f"width={body['width']}"]
    told = {name: body.get(name, plain) for name, plain in PLAIN.items()}
    parts += [f"{name}={short(value)}" for name, value in told.items() if value != PLAIN[name]]
    return ", ".join(parts)


def _layer(layer: Mapping[str, Any]) -> str:
    """As in `convolution 4 > state_space_dual(size=16) > glu(expansion=1.0)`."""
    parts = [f"convolution {layer['convolution']}"] if layer.get("convolution") else []
    for key in ("mixer", "channel"):
        choice = layer.get(key)
        if isinstance(choice, Mapping):
            given = choice.get("parameters") or {}
            parts.append(f"{choice['block']}{short(given) if given else ''}")
    return " > ".join(parts)


def _stack(layers: list[str]) -> str:
    """Equal neighbours are counted: `2 x (...)`."""
    found: list[tuple[str, int]] = []
    for layer in layers:
        if found and found[-1][0] == layer:
            found[-1] = (layer, found[-1][1] + 1)
        else:
            found.append((layer, 1))
    return "; ".join(f"{count} x ({layer})" if count > 1 else layer for layer, count in found)


def _body(arguments: Mapping[str, Any]) -> str:
    """An architecture as a key."""
    return short(arguments.get("architecture"))


def _like(arguments: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """The arm whose size is matched, where one has that architecture."""
    match = arguments.get("match")
    like = match.get("like") if isinstance(match, dict) else None
    label = known.get(short(like)) if like else None
    return f", matched to {label}" if label else ""
