"""What the jobs that answer for a trial are asked, and what their answers come to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sandbox.errors import OutputRejected
from sandbox.records import Split, digest_of
from tools.answer import Answer
from tools.roster import Planned
from tools.subject import Subject
from tools.tasks.task import Item, Question, TaskCard
from tools.tool import find_tool
from tools.twins import Compared, twins_of

SEQUENCES = ("positions", "bits")
"""Kinds of tasks whose prompts may have twins."""
MOST_SHEETS = 2
MOST_TWINS = 256
"""Of one task on one sheet."""
Items = Mapping[str, Mapping[Split, tuple[Item, ...]]]
Said = Mapping[str, Mapping[Split, Sequence[str]]]


@dataclass(frozen=True)
class Place:
    """Where a question belongs. cut: tokens from there on are another's, and it is not scored."""

    split: Split
    row: int
    cut: int = 0


@dataclass(frozen=True)
class Asked:
    """A question and where it belongs."""

    place: Place
    question: Question


@dataclass(frozen=True)
class Sheet:
    """What one job is asked: task -> questions, in an order that the harness drew."""

    asked: Mapping[str, tuple[Asked, ...]]


def answer_of(planned: Planned) -> Answer | None:
    """How other jobs answer for the trial; None where its own does."""
    return find_tool(planned.spec.tool).answer if planned.apart else None


def sheets(planned: Planned, subject: Subject) -> tuple[Sheet, ...]:
    """One sheet, or two where prompts have twins: a prompt is on one, its twin on the other.

    Questions of dev and test are mixed. The same trial gets the same sheets.
    """
    answer = answer_of(planned)
    if answer is None:
        return ()
    arguments = find_tool(planned.spec.tool).check(planned.spec.arguments)
    names, twins = answer.asks(arguments), bool(planned.code) and answer.twins(arguments)
    items = subject.items(planned.spec.seed)
    wanted = [card for card in subject.cards if names is None or card.name in names]
    pairs = {card.name: _pair(card, items[card.name], planned, twins) for card in wanted}
    made = tuple(Sheet({name: pair[at] for name, pair in pairs.items()}) for at in (0, 1))
    return made if any(made[1].asked.values()) else made[:1]


def joined(
    given: Sequence[Sheet], said: Sequence[Said], cards: Sequence[TaskCard], items: Items
) -> dict[str, dict[Split, list[str]]]:
    """The answers by split, in the order of the items.

    said: of each sheet. Raises OutputRejected where one is missing, or where twins are answered
    otherwise than what they are twins of.
    """
    found: dict[str, dict[Split, list[str]]] = {}
    for card in cards:
        answers = dict(_answers(card.name, given, said))
        if answers:
            _compare(card, answers, items[card.name])
            found[card.name] = {
                split: [answers[Place(split, row)] for row in range(len(some))]
                for split, some in items[card.name].items()
                if some
            }
    return found


def _pair(
    card: TaskCard, items: Mapping[Split, tuple[Item, ...]], planned: Planned, twins: bool
) -> tuple[tuple[Asked, ...], tuple[Asked, ...]]:
    """The questions of a task on both sheets; all on the first where there are no twins."""
    seed = digest_of(["sheets", planned.id, planned.spec.data_digest, card.name])
    draw = Random(seed)  # noqa: S311 - who knows the order gains nothing
    every = [
        Asked(Place(split, row), Question(item.prompt, item.choices))
        for split in sorted(items)
        for row, item in enumerate(items[split])
    ]
    if not twins or card.kind not in SEQUENCES:
        return tuple(every), ()
    draw.shuffle(every)
    one, two = every[::2], every[1::2]
    others = _twins(two, one, items, draw), _twins(one, two, items, draw)
    if not any(others):
        return tuple(every), ()
    one, two = [*one, *others[0]], [*two, *others[1]]
    draw.shuffle(one)
    draw.shuffle(two)
    return tuple(one), tuple(two)


def _twins(
    half: Sequence[Asked],
    other: Sequence[Asked],
    items: Mapping[Split, tuple[Item, ...]],
    draw: Random,
) -> list[Asked]:
    """Twins of one half, to be asked with the other, which gives their later tokens."""

    def rows(some: Sequence[Asked], split: Split) -> list[int]:
        return [asked.place.row for asked in some if asked.place.split == split]

    found = (
        Asked(Place(split, twin.row, twin.cut), Question(twin.prompt))
        for split in sorted(items, reverse=True)  # of the test first
        for twin in twins_of(items[split], rows(half, split), rows(other, split), draw)
    )
    return list(itertools.islice(found, MOST_TWINS))


def _answers(
    task: str, given: Sequence[Sheet], said: Sequence[Said]
) -> Iterator[tuple[Place, str]]:
    """Each place of the task with what was said there."""
    for sheet, all_said in zip(given, said, strict=True):
        asked = sheet.asked.get(task, ())
        answers = all_said.get(task, {}).get("test", [])
        if len(answers) != len(asked):
            raise OutputRejected(
                f"{len(answers)} answers to {len(asked)} questions of {task}",
                "every question is answered, in its order",
            )
        yield from zip((one.place for one in asked), answers, strict=True)


def _compare(
    card: TaskCard, answers: Mapping[Place, str], items: Mapping[Split, tuple[Item, ...]]
) -> None:
    compared = Compared()
    for place, twin in answers.items():
        if place.cut:
            mine = answers[Place(place.split, place.row)]
            compared.add(card, items[place.split][place.row], place.cut, (mine, twin))
    compared.check()
