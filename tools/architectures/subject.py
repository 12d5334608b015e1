"""The subject of architecture research: sequence tasks, on which architectures are trained anew.

There are no models to bring: every arm names an architecture, which its trial trains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sandbox.records import Seam, Split, digest_of
from tools.architectures.own_block import OwnBlock
from tools.own_code import OwnCode
from tools.subject import Role
from tools.tasks.asked import items_of, logits_bytes
from tools.tasks.sequence import ProfileName, SequenceTask, find_sequence_task
from tools.tasks.task import Item, TaskCard, TaskKind

Items = Mapping[str, Mapping[Split, tuple[Item, ...]]]
TASKS = ("mqar", "selective_copy", "in_context_recall", "compression", "multi_hop_recall")
"""Digits and parity, which models that think in ticks need, are for topics that name them: eight
pairs of two such arms take about five CPU-minutes on each."""
PROMOTION = "multi_hop_recall"
"""Held back: no hypothesis is searched on it, only promoted ones are asked to do it as well."""
SIZE_OF: Mapping[str, ProfileName] = {"quick": "quick", "standard": "default", "long": "paper"}
PAIRING = (
    "Each pair is one seed: every seed draws new training, development and test sequences "
    "and new initial weights, and all arms of a pair share the sequences."
)
FEW_ITEMS = frozenset({"digits", "parity", "text"})
"""Fixed images and text, and the strings of a few bits."""
HIDDEN = " The test sequences also depend on a secret of the run, which no trial is given."


class ArchitectureSuite:
    """Sequence tasks, the first of them primary, in one size.

    secret: mixed into the test split's draws and known to no trial, so that code inside a trial
    cannot draw the test sequences again from its seed. blocks: that are not built in.
    """

    name = "architectures"
    domain = "architectures"
    seam: Seam = "block"
    kept: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    most_seeds = 1000
    caveat = (
        "The tasks are synthetic and small: they separate mechanisms, and do not rank "
        "architectures for large language models."
    )

    def __init__(
        self,
        profile: str = "standard",
        tasks: Sequence[str] = TASKS,
        secret: str = "",
        blocks: tuple[OwnBlock, ...] = (),
    ) -> None:
        """Set up tasks by name, in the size of the profile.

        Raises UnknownName, and BadInput for a task whose answers in bits would be too large.
        """
        self.code: tuple[OwnCode, ...] = blocks
        self._secret = secret
        self.size = SIZE_OF[profile]
        self._tasks = tuple(find_sequence_task(name) for name in tasks)
        self.pairing = PAIRING + _shared(self._tasks) + (HIDDEN if secret else "")
        self.primary = self._tasks[0].name
        self.cards = tuple(_card(task, self.size) for task in self._tasks)
        self.description = (
            f"small sequence models trained from scratch on {len(tasks)} synthetic "
            f"{'task' if len(tasks) == 1 else 'tasks'} "
            f"({self.size} size)"
        )

    def items(self, seed: int) -> Items:
        """Items with answers, task -> split. Deterministic; train, dev and test are disjoint."""
        return _items(tuple(task.name for task in self._tasks), self.size, seed, self._secret)

    def data_digest(self, seed: int) -> str:
        """SHA-256 over items(seed)."""
        return digest_of(
            {
                task: {
                    split: [[i.prompt, i.answer] for i in some] for split, some in splits.items()
                }
                for task, splits in self.items(seed).items()
            }
        )


def _shared(tasks: Sequence[SequenceTask]) -> str:
    """What pairs share where the test items of a task are few."""
    few = [task.label for task in tasks if task.name in FEW_ITEMS]
    if not few:
        return ""
    return f" The test items of some tasks ({', '.join(few)}) are few, and seeds share them."


def _card(task: SequenceTask, size: ProfileName) -> TaskCard:
    chosen = task.sizes[size]
    kind: TaskKind = "bits" if task.scored == "bits" else "positions"
    if kind == "bits":
        sequences = chosen.dev + chosen.test
        logits_bytes(sequences, sequences * chosen.length, chosen.classes)
    return TaskCard(
        name=task.name,
        label=task.label,
        kind=kind,
        chance=task.chance(chosen),
        description=task.summary,
        source=f"drawn from the seed, {task.source}",
        classes=chosen.classes,
    )


@lru_cache(maxsize=16)
def _items(tasks: tuple[str, ...], size: ProfileName, seed: int, secret: str) -> Items:
    found = [find_sequence_task(name) for name in tasks]
    return {
        task.name: {
            "dev": items_of(task.data("dev", seed, task.sizes[size])),
            "test": items_of(task.data("test", seed, task.sizes[size], secret=secret)),
        }
        for task in found
    }
