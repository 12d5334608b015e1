"""Walking a task's difficulty axes one at a time, as MAD does (arXiv:2403.17844)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sandbox.errors import BadInput
from tools.tasks.sequence import ProfileName, SequenceTask, Size

_FIELDS = ("vocabulary", "length", "train", "dev", "test", "outputs")


def along(name: str, *values: float) -> tuple[Mapping[str, float], ...]:
    """An axis that changes one field of a size, or one entry of its `extra`."""
    return tuple({name: value} for value in values)


def varied(size: Size, change: Mapping[str, float]) -> Size:
    """The size with some of it changed. Raises BadInput when it has no such part."""
    for name in change:
        if name not in _FIELDS and name not in size.extra:
            known = ", ".join((*_FIELDS, *size.extra))
            raise BadInput(f"a size has no {name!r}", f"known: {known}")
    fields = {name: int(value) for name, value in change.items() if name in _FIELDS}
    extra = {name: value for name, value in change.items() if name not in _FIELDS}
    return replace(size, **fields, extra={**size.extra, **extra})


def variations(task: SequenceTask, profile: ProfileName) -> dict[str, tuple[Size, ...]]:
    """By axis, the sizes that differ from the profile's own in that axis only."""
    size = task.sizes[profile]
    axes = task.variations.get(profile, {})
    return {
        axis: tuple(varied(size, change) for change in changes) for axis, changes in axes.items()
    }
