"""The built-in subject: a skill learned in English and fluency in Korean compose only when merged.

Every item names six distinct numbers below 24 and asks for one word. Two specialists are fine-tuned
from one base: one learns `largest` in English only, the other practises the three easier tasks in
Korean only. `largest` in Korean is trained in neither. The idea is Akiba et al. (2025,
arXiv:2403.13187) in small: a composed skill that merging finds.

There are 24*23*22*21*20*19 = 96,909,120 number tuples. All held-out tuples of a seed differ from
one another, and training redraws every tuple that occurs in any held-out item, whatever its task
and language: no overlap at all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache

from sandbox.records import Seam, Split, digest_of
from tools.kind import kinds_of
from tools.merging.profile import Profile, find_profile
from tools.merging.words import COUNT, LANGUAGES, LENGTH, NUMBERS, TASKS, answer_to, prompt_for
from tools.own_code import OwnCode
from tools.subject import Role
from tools.tasks.task import Item, TaskCard

Items = Mapping[str, Mapping[Split, tuple[Item, ...]]]
LAYERS = 3
_ASKS = {
    "copy": "repeat the first of six numbers",
    "successor": "name the successor of the first of six numbers, modulo 24",
    "bigger": "name the bigger of the first two of six numbers",
    "largest": "name the largest of six numbers",
}
_CONSTANT = {
    "copy": 1 / COUNT,
    "successor": 1 / COUNT,
    "bigger": 2 / COUNT,
    "largest": LENGTH / COUNT,
}


PAIRING = (
    "Each pair is one seed: every seed trains a new base model and new specialists and draws "
    "new items, and all arms of a pair share them."
)
HIDDEN = " The test items also depend on a secret of the run, which no trial is given."


class Miniature:
    """Two specialists of one tiny Llama, trained anew for every seed."""

    name = "miniature"
    domain = "merging"
    seams: tuple[Seam, ...] = tuple(kind.seam for kind in kinds_of("merging"))
    primary = "largest.ko"
    kept: tuple[str, ...] = ("largest.en", "copy.ko", "successor.ko", "bigger.ko")
    groups = (
        *(f"layers.{n}.{part}" for n in range(LAYERS) for part in ("attention", "mlp")),
        "rest",
    )
    most_seeds = 1000
    caveat = (
        "The recipe of the miniature (how long its base is trained, and how many of its items mix "
        "the languages) was chosen on exploratory seeds, which are not used here."
    )

    def __init__(
        self, profile: str = "standard", methods: tuple[OwnCode, ...] = (), secret: str = ""
    ) -> None:
        """Set up the `standard`, `quick` or `long` profile. Raises UnknownName for any other.

        methods: of merging, that are not built in. secret: what the test items are drawn with,
        where code runs in trials that could otherwise draw them again from its seed.
        """
        self.code = methods
        self._secret = secret
        self.pairing = PAIRING + (HIDDEN if secret else "")
        self.profile = find_profile(profile)
        recipe = {"quick": "trained for fewer steps", "long": "its base trained for more steps"}
        other = f" ({profile} profile, {recipe[profile]})" if profile in recipe else ""
        self.description = (
            f"a two-language miniature{other}: Llama models of 131,520 parameters "
            "trained on number words in English and Korean, of which one learns to name the "
            "largest of six numbers in English and another practises easier tasks in Korean"
        )
        self.roles: tuple[Role, ...] = _roles(profile)
        self.cards = tuple(_card(task, language) for language in LANGUAGES for task in TASKS)

    def items(self, seed: int) -> Items:
        """Items with answers, task -> split. Deterministic; no two share their numbers in order."""
        return _items(self.profile, seed, self._secret)

    def data_digest(self, seed: int) -> str:
        """SHA-256 over items(seed)."""
        return _digest(self.profile, seed, self._secret)


def _card(task: str, language: str) -> TaskCard:
    return TaskCard(
        name=f"{task}.{language}",
        label=f"{task}, {LANGUAGES[language]}",
        kind="exact_match",
        chance=_CONSTANT[task],
        description=(
            f"{_ASKS[task].capitalize()}, in {LANGUAGES[language]} number words. "
            "Chance is the accuracy of the best constant answer."
        ),
        source="generated from the seed",
    )


def _roles(profile: str) -> tuple[Role, ...]:
    easy_ko = ("copy.ko", "successor.ko", "bigger.ko")
    easy = ("copy.en", "successor.en", "bigger.en", *easy_ko)

    def role(
        name: str, label: str, kind: str, text: str, start: str, skilled: tuple[str, ...]
    ) -> Role:
        train = {"role": name, "profile": profile} | ({"start": start} if start else {})
        return Role(name, label, kind, text, train, (start,) if start else (), None, skilled)

    return (
        role(
            "base",
            "base model",
            "base",
            "copy, successor and bigger in English, in Korean and with both mixed within an item",
            "",
            easy,
        ),
        role(
            "skill",
            "skill expert",
            "parent",
            "the base model fine-tuned on largest in English only",
            "base",
            ("largest.en",),
        ),
        role(
            "language",
            "language expert",
            "parent",
            "the base model fine-tuned on copy, successor and bigger in Korean only",
            "base",
            easy_ko,
        ),
        role(
            "joint",
            "jointly trained model",
            "reference",
            "the base model fine-tuned on both specialists' data mixed, for the steps of both",
            "base",
            ("largest.en", *easy_ko),
        ),
        role(
            "foreign-base",
            "second base model",
            "reference",
            "trained like the base model from another initialisation and on other data",
            "",
            easy,
        ),
        role(
            "foreign",
            "language expert of another base",
            "reference",
            "the second base model fine-tuned like the language expert",
            "foreign-base",
            easy_ko,
        ),
    )


@lru_cache(maxsize=64)
def _items(profile: Profile, seed: int, secret: str) -> Items:
    draw = random.Random(f"hanji miniature items {seed}")  # noqa: S311
    hidden = random.Random(f"hanji test items {seed} {secret}") if secret else draw  # noqa: S311
    taken: set[tuple[int, ...]] = set()
    found: dict[str, dict[Split, tuple[Item, ...]]] = {}
    for language in LANGUAGES:
        for task in TASKS:
            test = profile.main_test if task == "largest" else profile.other_test
            main = f"{task}.{language}" == Miniature.primary
            dev = profile.main_dev if main else profile.other_dev
            found[f"{task}.{language}"] = {
                "dev": _several(task, language, dev, draw, taken),
                "test": _several(task, language, test, hidden, taken),
            }
    return found


def _several(
    task: str, language: str, count: int, draw: random.Random, taken: set[tuple[int, ...]]
) -> tuple[Item, ...]:
    return tuple(_item(task, language, _fresh(draw, taken)) for _ in range(count))


def _fresh(draw: random.Random, taken: set[tuple[int, ...]]) -> tuple[int, ...]:
    """Six distinct numbers, in an order not in `taken`, which then holds it."""
    while True:
        numbers = tuple(draw.sample(range(COUNT), LENGTH))
        if numbers not in taken:
            taken.add(numbers)
            return numbers


def _item(task: str, language: str, numbers: tuple[int, ...]) -> Item:
    return Item(prompt_for(task, language, numbers), NUMBERS[language][answer_to(task, numbers)])


@lru_cache(maxsize=256)
def _digest(profile: Profile, seed: int, secret: str) -> str:
    return digest_of(
        {
            task: {split: [[i.prompt, i.answer] for i in items] for split, items in splits.items()}
            for task, splits in _items(profile, seed, secret).items()
        }
    )
