"""What an experiment is about: models in roles, and tasks.

The built-in miniature is one, a person's own models another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from sandbox.records import Split
from tools.tasks.task import Item, TaskCard


@dataclass(frozen=True)
class Role:
    """A model's part.

    kind: `base`, `parent` (an expert to merge) or `reference` (compared, never merged).

    train: arguments of the `train` tool that makes it; empty when the person brought it. needs:
    roles that its training starts from. files: the checkpoint folder that the person brought, None
    when it is trained.
    skilled_in: tasks that this model is an expert in.
    """

    name: str
    label: str
    kind: str
    description: str
    train: Mapping[str, str | int | float]
    needs: tuple[str, ...] = ()
    files: Path | None = None
    skilled_in: tuple[str, ...] = ()


@runtime_checkable
class ShowsTraining(Protocol):
    """A subject with tasks whose sequences were drawn before a trial."""

    def training(self, task: str, seed: int) -> tuple[Item, ...]:
        """The training sequences of such a task."""
        ...


class Subject(Protocol):
    """Models and tasks of one topic.

    Everything here is of the trusted side and imports no torch.
    """

    name: str
    domain: str
    """What is studied: `merging` or `architectures`. Hypotheses belong to one."""
    description: str
    roles: tuple[Role, ...]
    cards: tuple[TaskCard, ...]
    primary: str
    """Name of the task that the topic asks about."""
    kept: tuple[str, ...]
    """Tasks that the parents know and a merge should keep."""
    groups: tuple[str, ...]
    """Parameter groups that a layer-wise merge weights separately, in the model's order."""
    most_seeds: int
    """Paired seeds (or disjoint blocks of test items) that the data allow."""
    caveat: str
    """What a reader must know about how the subject was made; empty when there is nothing."""
    pairing: str
    """One sentence for the paper: what differs between two pairs."""

    def items(self, seed: int) -> Mapping[str, Mapping[Split, tuple[Item, ...]]]:
        """Items with answers, task -> split, for one seed.

        Deterministic; dev and test are disjoint.
        """
        ...

    def data_digest(self, seed: int) -> str:
        """SHA-256 over items(seed)."""
        ...
