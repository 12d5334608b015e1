"""The subject of architecture research: sequence tasks, on which architectures are trained anew.

There are no models to bring: every arm names an architecture, which its trial trains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from sandbox.records import Seam, Split, digest_of
from tools.kind import kinds_of
from tools.own_code import OwnCode
from tools.subject import Role
from tools.tasks.asked import items_of, logits_bytes
from tools.tasks.brought import SOURCE, SUMMARY, LazyItems, bring_own
from tools.tasks.own_task import OwnTask, brought_tasks
from tools.tasks.sequence import Part, ProfileName, SequenceTask, find_sequence_task
from tools.tasks.task import Item, TaskCard, TaskKind

if TYPE_CHECKING:
    from tools.draws import Table

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
    cannot draw the test sequences again from its seed. code: blocks, objectives and tasks that are
    not built in; the first task among them is primary.
    """

    name = "architectures"
    domain = "architectures"
    seams: tuple[Seam, ...] = tuple(kind.seam for kind in kinds_of("architectures"))
    kept: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    most_seeds = 1000
    cards: tuple[TaskCard, ...]
    caveat = (
        "The tasks are synthetic and small: they separate mechanisms, and do not rank "
        "architectures for large language models."
    )

    def __init__(
        self,
        profile: str = "standard",
        tasks: Sequence[str] = TASKS,
        secret: str = "",
        code: tuple[OwnCode, ...] = (),
        table: Table | None = None,
    ) -> None:
        """Set up tasks by name, in the size of the profile.

        table: where tasks that were brought are drawn, None before there is one.

        Raises UnknownName, and BadInput for a task whose answers in bits would be too large.
        """
        self.table = table
        self.size = SIZE_OF[profile]
        self._secret = secret
        self._tasks = tuple(find_sequence_task(name) for name in tasks)
        self.pairing = PAIRING + _shared(self._tasks) + (HIDDEN if secret else "")
        self._cards = tuple(_card(task, self.size) for task in self._tasks)
        self._first = frozenset(own.name for own in code if isinstance(own, OwnTask))
        self.code = code
        self.primary = self.cards[0].name
        count = len(self.cards)
        self.description = (
            f"small sequence models trained from scratch on {count} synthetic "
            f"{'task' if count == 1 else 'tasks'} "
            f"({self.size} size)"
        )

    @property
    def code(self) -> tuple[OwnCode, ...]:
        """What is not built in."""
        return self._code

    @code.setter
    def code(self, files: tuple[OwnCode, ...]) -> None:
        """Tasks come in order: those brought with the question, of the product, of the mind."""
        self._code = files
        own = [each for each in files if isinstance(each, OwnTask)]
        for each in own:
            bring_own(each)
        cards = [own_card(each, self.size) for each in own]
        first = [card for card in cards if card.name in self._first]
        self.cards = (*first, *self._cards, *(card for card in cards if card not in first))

    def items(self, seed: int) -> Items:
        """Items with answers, task -> split. Deterministic; train, dev and test are disjoint.

        Those of tasks that were brought are drawn when they are asked for.
        """
        return LazyItems(tuple(card.name for card in self.cards), partial(self._of, seed))

    def training(self, task: str, seed: int) -> tuple[Item, ...]:
        """The training sequences of a task that was brought. Raises BadInput, CheckStopped."""
        own = brought_tasks(self)[task]
        return self._drawn(own, "train", seed, own.drawn(self.size).train)

    def data_digest(self, seed: int) -> str:
        """SHA-256 over the items of the product's tasks."""
        return digest_of(
            {
                task: {
                    split: [[i.prompt, i.answer] for i in some] for split, some in splits.items()
                }
                for task, splits in self._built_in(seed).items()
            }
        )

    def _built_in(self, seed: int) -> Items:
        return _items(tuple(task.name for task in self._tasks), self.size, seed, self._secret)

    def _of(self, seed: int, task: str) -> Mapping[Split, tuple[Item, ...]]:
        own = brought_tasks(self).get(task)
        if own is None:
            return self._built_in(seed)[task]
        drawn = own.drawn(self.size)
        return {
            "dev": self._drawn(own, "dev", seed, drawn.dev),
            "test": self._drawn(own, "test", seed, drawn.test, self._secret),
        }

    def _drawn(
        self, own: OwnTask, part: Part, seed: int, count: int, secret: str = ""
    ) -> tuple[Item, ...]:
        if self.table is None:
            raise BadInput(f"{own.name} is drawn in a run alone", "begin one with the topic")
        return items_of(self.table.split(own, part, seed, count, secret))


def own_card(own: OwnTask, size: ProfileName) -> TaskCard:
    """What people are told of a task that was brought: none of the file's own words."""
    return TaskCard(
        name=own.name,
        label=own.label,
        kind="positions",
        chance=own.chance,
        description=SUMMARY,
        source=f"drawn from the seed, {SOURCE}",
        classes=own.classes,
        drawn=own.drawn(size),
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
