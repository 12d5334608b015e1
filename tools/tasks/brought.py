"""Tasks that were brought as code, as the rest of Hanji knows tasks: by name, without their file.

Outside of a sandbox there is only their size, which the file's text states. In a trial there are
the sequences that were drawn before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.own_task import OwnTask
from tools.tasks.sequence import (
    NOT_ASKED,
    Batch,
    Part,
    ProfileName,
    SequenceTask,
    Size,
    Splits,
    bring_task,
)
from tools.tasks.task import Drawn, Item, TaskView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sandbox.records import Split

SOURCE = "a file that is not of the product"
SUMMARY = "Sequences that a file drew which is not of the product; what they ask is its own."
"""A paper prints this and none of the file's words, which nobody has checked."""
PROFILES: tuple[ProfileName, ...] = ("quick", "default", "paper")


class LazyItems(Mapping[str, "Mapping[Split, tuple[Item, ...]]"]):
    """Items by task, made when they are asked for: drawing takes a sandbox."""

    def __init__(
        self, names: tuple[str, ...], make: Callable[[str], Mapping[Split, tuple[Item, ...]]]
    ) -> None:
        self._names, self._make = names, make

    def __getitem__(self, name: str) -> Mapping[Split, tuple[Item, ...]]:
        """The items of a task. Raises KeyError, and whatever making them raises."""
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        """Names of the tasks."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many tasks."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a task; nothing is drawn to tell."""
        return name in self._names


def bring_own(own: OwnTask) -> None:
    """Make the task's name, sizes and chance known to this process; its file is not run."""

    def not_here(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
        raise BadInput(f"{own.name} is drawn in sandboxes alone", "see tools/draws.py")

    sizes = {profile: size_of(own.drawn(profile)) for profile in PROFILES}
    bring_task(_task(own.name, sizes, own.chance, not_here))


def bring_view(view: TaskView) -> None:
    """In a trial: make the drawn sequences known under the task's name."""
    if view.drawn is not None:
        sizes = dict.fromkeys(PROFILES, size_of(view.drawn))
        bring_task(_task(view.name, sizes, 0.0, _Shown(view)))


def size_of(drawn: Drawn) -> Size:
    """As tasks of the product state theirs."""
    return Size(
        drawn.vocabulary, drawn.length, drawn.train, drawn.dev, drawn.test, outputs=drawn.classes
    )


class _Shown:
    """The splits that a trial was given; a job that only answers was given its questions."""

    def __init__(self, view: TaskView) -> None:
        self._view = view

    def __call__(self, part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
        from tools.tasks.asked import batch_of

        view, drawn = self._view, self._view.drawn
        assert drawn is not None
        if (size.vocabulary, size.length, size.classes) != (
            drawn.vocabulary,
            drawn.length,
            drawn.classes,
        ):
            raise BadInput(
                f"{view.name} was drawn before, in one size", "change how many sequences, not those"
            )
        rows = {"train": view.train, "dev": view.dev, "test": ()}[part]
        if not rows and count == 1 and view.test:
            return self._blind()
        if count > len(rows):
            raise BadInput(f"{view.name}: {count} of {len(rows)} {part} sequences", "ask for fewer")
        return batch_of(rows[:count])

    def _blind(self) -> Batch:
        """A question without its answer, which tells what positions are asked."""
        import numpy as np

        from tools.tasks.asked import prompts_of

        tokens: NDArray[np.int64]
        tokens, asked = prompts_of(self._view.test[:1])
        return Batch(tokens, np.where(asked, 0, NOT_ASKED))


def _task(
    name: str, sizes: Mapping[ProfileName, Size], chance: float, splits: Splits
) -> SequenceTask:
    label = name.replace("_", " ").capitalize()
    return SequenceTask(
        name, label, SOURCE, SUMMARY, "accuracy", sizes, lambda size: chance, None, splits
    )
