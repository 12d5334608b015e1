"""A person's own checkpoints and tasks as a subject. Everything is checked before any work begins.

There is one set of models, so pairs come from the items: each task's items are split once, by the
digest of the question, into a dev pool (a third) and a test pool; the test pool is dealt into
disjoint blocks of one size, one a seed, and each seed draws its dev items from the dev pool.
Consecutive seeds, up to `most_seeds`, therefore have disjoint test items. Conclusions hold for
these checkpoints, not for others trained in the same way.

Without `base`, only methods that need none (linear, slerp) can be run: task vectors, and so every
search, need the common ancestor, and none of the models is quietly taken for it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Protocol

from sandbox.errors import BadInput
from sandbox.records import Seam, Split, digest_of
from tools.kind import kinds_of
from tools.merging.checkpoint import Checkpoint, check_alike, find_checkpoint
from tools.own_code import OwnCode
from tools.subject import Role
from tools.tasks.jsonl import read_jsonl
from tools.tasks.task import Item, TaskCard, TaskKind

BASE = "base"
LEAST_BLOCK = 10
MOST_BLOCKS = 16
MOST_DEV = 300
LEAST_ITEMS = 30
MOST_ANSWER_TOKENS = 64


class ModelEntry(Protocol):
    """A model as the topic names it. kind: `parent` or `reference`."""

    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def skilled_in(self) -> tuple[str, ...]: ...  # noqa: D102


class TaskEntry(Protocol):
    """A task as the topic names it; answer_tokens 0 means: measure it."""

    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def description(self) -> str: ...  # noqa: D102
    @property
    def answer_tokens(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Pool:
    """A task's items, split once for all seeds."""

    dev: tuple[Item, ...]
    test: tuple[Item, ...]


class OwnModels:
    """Experts, their base and JSONL tasks; the first task is the one asked about."""

    name = "own-models"
    domain = "merging"
    seams: tuple[Seam, ...] = tuple(kind.seam for kind in kinds_of("merging"))

    def __init__(
        self,
        models: Sequence[ModelEntry],
        base: str,
        tasks: Sequence[TaskEntry],
        methods: tuple[OwnCode, ...] = (),
    ) -> None:
        """Read and check everything. Raises BadInput for the first thing that is wrong.

        methods: of merging, that are not built in.
        """
        self.code = methods
        self._check_entries(models, base, tasks)
        opened = [(m.role, find_checkpoint(m.path)) for m in models]
        if base:
            opened.insert(0, (BASE, find_checkpoint(base)))
        for name, checkpoint in opened:
            _check_usable(name, checkpoint)
        check_alike(opened)
        self._pools: dict[str, Pool] = {}
        self.cards: tuple[TaskCard, ...] = tuple(
            self._read_task(entry, opened[0][1]) for entry in tasks
        )
        self.primary = tasks[0].name
        self.roles = _roles(models, dict(opened))
        skills = {task for model in models if model.kind == "parent" for task in model.skilled_in}
        self.kept = tuple(c.name for c in self.cards if c.name in skills - {self.primary})
        self.groups = opened[0][1].groups
        self.parameters = sum(prod(e.shape) for e in opened[0][1].tensors.values())
        self.most_seeds = min(
            MOST_BLOCKS, *(len(pool.test) // LEAST_BLOCK for pool in self._pools.values())
        )
        self.description = (
            f"{len(models)} checkpoints ({opened[0][1].architecture}, "
            f"{self.parameters:,} parameters) and {len(tasks)} "
            f"{'task' if len(tasks) == 1 else 'tasks'} of the user's own"
        )
        self.caveat = ""
        self.pairing = (
            "Each pair is one seed: a disjoint block of the test items and a draw of dev items of "
            "its own, with the same checkpoints throughout; conclusions hold for these checkpoints."
        )

    @staticmethod
    def _check_entries(models: Sequence[ModelEntry], base: str, tasks: Sequence[TaskEntry]) -> None:
        if sum(model.kind == "parent" for model in models) < 2:
            raise BadInput("models: fewer than two parents", "give two models to merge")
        if not tasks:
            raise BadInput("tasks: there is none", "give a JSONL file of items")
        for what, names in (("role", [m.role for m in models]), ("task", [t.name for t in tasks])):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise BadInput(f"{what} {twice[0]!r} is named twice", f"give each {what} a name")
        if base and BASE in [model.role for model in models]:
            raise BadInput("models: the role 'base' is taken", "choose another role name")
        known = [task.name for task in tasks]
        for model in models:
            for skill in model.skilled_in:
                if skill not in known:
                    raise BadInput(
                        f"models: {model.role}: skilled_in: no task {skill!r}",
                        f"known: {', '.join(known)}",
                    )

    def _read_task(self, entry: TaskEntry, checkpoint: Checkpoint) -> TaskCard:
        path = Path(entry.file)
        kind, items = read_jsonl(path)
        if entry.kind == "multiple_choice" and kind != entry.kind:
            raise BadInput(f"{path}: its items have no choices", "leave `kind` out, or add choices")
        if len(items) < LEAST_ITEMS:
            raise BadInput(
                f"{path}: {len(items)} items are too few to hold some out",
                f"give at least {LEAST_ITEMS}",
            )
        self._pools[entry.name] = _split(items)
        return TaskCard(
            name=entry.name,
            label=entry.label or entry.name,
            kind=kind,
            chance=_chance(kind, items),
            description=entry.description or f"{len(items)} items that the person brought.",
            source=path.name,
            answer_tokens=entry.answer_tokens or _answer_tokens(kind, items, checkpoint),
        )

    def items(self, seed: int) -> Mapping[str, Mapping[Split, tuple[Item, ...]]]:
        """One block of test items and one draw of dev items for the seed."""
        return {name: self._deal(name, pool, seed) for name, pool in self._pools.items()}

    def _deal(self, name: str, pool: Pool, seed: int) -> dict[Split, tuple[Item, ...]]:
        draw = random.Random(f"hanji dev items {name} {seed}")  # noqa: S311
        count = min(MOST_DEV, max(1, len(pool.dev) * 4 // 5))
        block = len(pool.test) // self.most_seeds  # the paper names one number for all seeds
        test = pool.test[seed % self.most_seeds :: self.most_seeds][:block]
        return {"dev": tuple(draw.sample(pool.dev, count)), "test": test}

    def data_digest(self, seed: int) -> str:
        """SHA-256 over items(seed)."""
        return digest_of(
            {
                task: {
                    split: [[i.prompt, i.answer, list(i.choices)] for i in items]
                    for split, items in splits.items()
                }
                for task, splits in self.items(seed).items()
            }
        )


def _split(items: Sequence[Item]) -> Pool:
    """A third for dev, in an order that depends on the questions alone and not on the file's."""
    ordered = tuple(sorted(items, key=lambda i: digest_of([i.prompt, list(i.choices)])))
    cut = len(ordered) // 3
    return Pool(dev=ordered[:cut], test=ordered[cut:])


def _roles(models: Sequence[ModelEntry], opened: Mapping[str, Checkpoint]) -> tuple[Role, ...]:
    found = []
    if BASE in opened and BASE not in [model.role for model in models]:
        text = "the model that the experts were trained from"
        found.append(Role(BASE, "base model", "base", text, {}, (), opened[BASE].folder.resolve()))
    for model in models:
        folder = opened[model.role].folder.resolve()
        text = f"brought by the person, {Path(model.path).name}"
        label = model.label or model.role
        found.append(Role(model.role, label, model.kind, text, {}, (), folder, model.skilled_in))
    return tuple(found)


def _check_usable(name: str, checkpoint: Checkpoint) -> None:
    """A causal language model with a tokenizer, none of whose own code would have to be run."""
    if "auto_map" in checkpoint.config:
        raise BadInput(
            f"{name}: the model needs Python code of its own", "use an architecture of transformers"
        )
    if not checkpoint.architecture.endswith(("ForCausalLM", "LMHeadModel")):
        raise BadInput(
            f"{name}: {checkpoint.architecture} is no causal language model",
            "give a checkpoint that AutoModelForCausalLM opens",
        )
    files = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")
    if not any((checkpoint.folder / file).is_file() for file in files):
        raise BadInput(
            f"{name}: {checkpoint.folder} holds no tokenizer", "save the tokenizer beside the model"
        )


def _chance(kind: TaskKind, items: Sequence[Item]) -> float:
    """Multiple choice: of a random option. Exact match: of the best constant answer."""
    if kind == "multiple_choice":
        return sum(1 / len(item.choices) for item in items) / len(items)
    return Counter(item.answer.strip() for item in items).most_common(1)[0][1] / len(items)


def _answer_tokens(kind: TaskKind, items: Sequence[Item], checkpoint: Checkpoint) -> int:
    """Length of the longest answer in tokens, or in bytes when no fast tokenizer tells."""
    if kind == "multiple_choice":
        return 1
    path = checkpoint.folder / "tokenizer.json"
    if path.is_file():
        from tokenizers import Tokenizer

        from tools.tasks.answer import joined

        words = Tokenizer.from_file(str(path))
        longest = max(
            len(words.encode(joined(i.prompt, i.answer)).ids) - len(words.encode(i.prompt).ids)
            for i in items
        )
    else:
        longest = max(len(item.answer.encode()) for item in items)
    return min(MOST_ANSWER_TOKENS, max(1, longest))
