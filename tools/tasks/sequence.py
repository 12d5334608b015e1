"""A task on token sequences: drawn from a seed, declared once, found by folder.

To add one, write `tools/tasks/suite/x.py`:

    @sequence_task("x", label=..., source=..., sizes={"quick": ..., "default": ..., "paper": ...})
    def x(draw: np.random.Generator, count: int, size: Size) -> Batch:
        '''First line: what is asked, for people.'''

Train, dev and test never share a sequence: each sequence belongs to one split by a digest of its
own tokens, and is redrawn for the others. A task whose data are not drawn (a text, images) declares
`splits` instead and cuts them into regions.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import catalogue

from sandbox.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Part: TypeAlias = Literal["train", "dev", "test"]
ProfileName: TypeAlias = Literal["quick", "default", "paper"]
Axes: TypeAlias = Mapping[str, tuple[Mapping[str, float], ...]]
"""By axis of difficulty, what each step changes in a size: its fields or its `extra`."""
Variations: TypeAlias = Mapping[ProfileName, Axes]
Sizes: TypeAlias = "Mapping[ProfileName, Size]"
NOT_ASKED = -100
"""A target that is not scored and gives no loss."""
_tasks = catalogue.create("hanji", "sequence_tasks", entry_points=True)
_brought: dict[str, SequenceTask] = {}


@dataclass(frozen=True)
class Size:
    """How large and how hard a task is.

    vocabulary: tokens of the input. outputs: classes of a target. length: positions. extra: what
    the task calls its own difficulty.
    """

    vocabulary: int
    length: int
    train: int
    dev: int
    test: int
    outputs: int = 0
    extra: Mapping[str, float] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """Size of the head: the vocabulary's where the task says nothing."""
        return self.outputs or self.vocabulary


@dataclass(frozen=True)
class Batch:
    """tokens: (N, T). targets: (N, T), what should be said at each position, or NOT_ASKED."""

    tokens: NDArray[np.int64]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        """Sequences."""
        return len(self.tokens)


class Draws(Protocol):
    """Fresh sequences of any split."""

    def __call__(self, draw: np.random.Generator, count: int, size: Size) -> Batch:
        """`count` sequences."""
        ...


class Splits(Protocol):
    """All of a split at once, for data that are not drawn."""

    def __call__(self, part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
        """`count` sequences of the split's own region. secret: as of `SequenceTask.data`."""
        ...


class Advance(Protocol):
    """How a world model trained on single steps goes on from its own answers."""

    def __call__(
        self, tokens: NDArray[np.int64], answers: NDArray[np.int64], step: int, size: Size
    ) -> NDArray[np.int64]:
        """The one-step prompts (N, T) of `step`, from 0.

        tokens: those of the split. answers: (N, asked), of the step before; not read at step 0.
        """
        ...


class DomainOf(Protocol):
    """Which domain a sequence is of, where a task has several."""

    def __call__(self, tokens: NDArray[np.int64], size: Size) -> NDArray[np.int64]:
        """(N, T) -> (N,), numbers from 0."""
        ...


class Whole(Protocol):
    """All text of a part, from which its sequences are cut."""

    def __call__(self, part: Part, size: Size) -> NDArray[np.int64]:
        """(N,) tokens."""
        ...


@dataclass(frozen=True)
class SequenceTask:
    """A declared task. scored: `accuracy` of asked positions, or `bits` per token (a distribution).

    chance: accuracy of the best constant guess (for bits: bits of a uniform guess), by size.
    variations: difficulty axes by profile, walked one at a time from the profile's own size.
    next_token: an answer may stand in the tokens one position later, so only a causal model may
    take part. readout: `last` when everything asked is to be decoded from the last position's
    hidden state alone. advance: of a world model, see `Advance`; `size.extra["rollout"]` says how
    many steps to go. held_back: for promotion only, a search never sees it. domains, domain_of: of
    a task of several, see `DomainOf`; each may have a teacher of its own. whole: of a task that is
    cut from a text, see `Whole`.
    """

    name: str
    label: str
    source: str
    summary: str
    scored: Literal["accuracy", "bits"]
    sizes: Sizes
    chance: Callable[[Size], float]
    draws: Draws | None
    splits: Splits | None
    variations: Variations = field(default_factory=dict)
    next_token: bool = False
    readout: Literal["each", "last"] = "each"
    advance: Advance | None = None
    held_back: bool = False
    domains: int = 1
    domain_of: DomainOf | None = None
    whole: Whole | None = None

    def data(self, part: Part, seed: int, size: Size, count: int = 0, secret: str = "") -> Batch:
        """A split, the same for the same seed and, of the test split, the same secret.

        count: 0 for the size's own number. secret: what trials do not know; with it the seed alone
        no longer tells which sequences the test has. Train and dev never depend on it.
        """
        wanted = count or {"train": size.train, "dev": size.dev, "test": size.test}[part]
        if self.splits is not None:
            hidden = (secret,) if secret else ()
            return self.splits(part, seed, wanted, size, *hidden)
        assert self.draws is not None
        from tools.tasks.splitting import draw_split

        return draw_split(self.draws, part, seed, wanted, size, self.name, secret)


def sequence_task(
    name: str,
    *,
    label: str,
    source: str,
    sizes: Sizes,
    chance: Callable[[Size], float],
    scored: Literal["accuracy", "bits"] = "accuracy",
    splits: bool = False,
    variations: Variations | None = None,
    next_token: bool = False,
    readout: Literal["each", "last"] = "each",
    advance: Advance | None = None,
    held_back: bool = False,
    domains: int = 1,
    domain_of: DomainOf | None = None,
    whole: Whole | None = None,
) -> Callable[[Callable[..., Batch]], Callable[..., Batch]]:
    """Declare a task. splits: the function has the shape of `Splits`, not of `Draws`.

    The rest is explained at `SequenceTask`.
    """

    def declare(function: Callable[..., Batch]) -> Callable[..., Batch]:
        summary = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        draws, cuts = (None, function) if splits else (function, None)
        made = SequenceTask(
            name,
            label,
            source,
            summary,
            scored,
            sizes,
            chance,
            draws,
            cuts,
            variations or {},
            next_token,
            readout,
            advance,
            held_back,
            domains,
            domain_of,
            whole,
        )
        _tasks.register(name, func=made)
        return function

    return declare


def bring_task(task: SequenceTask) -> None:
    """Let this process find a task that no folder has; the last one of a name counts."""
    _brought[task.name] = task


def all_sequence_tasks() -> dict[str, SequenceTask]:
    """Every task of tools/tasks/suite/ and of entry points, by name."""
    package = importlib.import_module("tools.tasks.suite")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"tools.tasks.suite.{module.name}")
    return dict(sorted(_tasks.get_all().items()))


def find_sequence_task(name: str) -> SequenceTask:
    """The task of that name, brought ones too. Raises UnknownName with the known ones."""
    known = all_sequence_tasks() | _brought
    if name not in known:
        raise UnknownName("task", name, list(known))
    return known[name]
