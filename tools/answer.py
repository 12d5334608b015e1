"""How another job answers for a call: from the weights that the call's own job left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sandbox.records import Seam

MADE = "made"
"""The role of what a trial's own first job left."""


def every_task(arguments: object) -> None:
    """What a call that answers every task says of those that it answers."""


def no_roles(arguments: object) -> tuple[str, ...]:
    """What a call says whose weights alone answer."""
    return ()


def anything(arguments: object, folder: Path) -> None:
    """What a call says that leaves tensors alone, which are looked at anyway."""


def never(arguments: object) -> bool:
    """What a call says whose answers may depend on the whole prompt."""
    return False


@dataclass(frozen=True)
class Answer:
    """Declared with a tool.

    function(arguments, bench) -> TrialResult: `bench.models` has MADE, the folder with what was
    left, and `bench.tasks` has questions alone; there is no seed. leaves: what the first job leaves
    below `model/`; nothing else of it reaches the second. seams: kinds of brought code that answers
    need; with any, the second job is not trusted either. always: whether it is done so for code of
    this project too. learns: whether the first job is shown development items. reads: roles whose
    checkpoints the answers need. asks: the tasks that are answered, None for all. twins: whether
    answers may not depend on later tokens, so that prompts get twins that differ in those alone.
    check(arguments, folder) raises OutputRejected when what was left is not what the call can have
    made.
    """

    function: Callable[..., BaseModel]
    leaves: tuple[str, ...]
    seams: tuple[Seam, ...] = ()
    always: bool = False
    learns: bool = True
    reads: Callable[[Any], tuple[str, ...]] = no_roles
    asks: Callable[[Any], tuple[str, ...] | None] = every_task
    twins: Callable[[Any], bool] = never
    check: Callable[[Any, Path], None] = anything
