"""What a trial's jobs are asked: a prompt or its twin, and twins tell who reads ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from sandbox.errors import OutputRejected
from tools import sheets as module
from tools.answer import Answer
from tools.sheets import Place, Sheet, joined, sheets
from tools.tasks.asked import MARK, prompts_of, said_logits
from tools.tasks.task import Item, TaskCard, TaskKind
from tools.twins import SHARE, Compared

LENGTH, CLASSES = 12, 5
Reader = Callable[[list[int], int], int]


def item(tokens: list[int], asked: list[int]) -> Item:
    prompt = f"{' '.join(map(str, tokens))} {MARK} {' '.join(map(str, asked))}"
    return Item(prompt, " ".join("0" for _ in asked))


@dataclass
class Suite:
    """A subject of one task, whose items are drawn."""

    kind: TaskKind = "positions"
    asked: tuple[int, ...] = (3, 6, 9)
    last: int = CLASSES

    @property
    def cards(self) -> tuple[TaskCard, ...]:
        return (TaskCard("t", "t", self.kind, 0.0, "", "", classes=CLASSES),)

    def items(self, seed: int) -> dict[str, dict[str, tuple[Item, ...]]]:
        draw = np.random.default_rng(seed)

        def some(count: int) -> tuple[Item, ...]:
            rows = draw.integers(0, CLASSES, (count, LENGTH))
            rows[:, 6:] %= self.last
            return tuple(item(row.tolist(), list(self.asked)) for row in rows)

        return {"t": {"dev": some(20), "test": some(40)}}


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A trial with code that was brought, whose answers may not read ahead."""
    tool = SimpleNamespace(
        check=lambda given: given,
        answer=Answer(lambda a, b: None, (), twins=lambda given: True),  # type: ignore[arg-type,return-value]
    )
    monkeypatch.setattr(module, "find_tool", lambda name: tool)
    spec = SimpleNamespace(tool="x", arguments={}, seed=1, data_digest="d")
    return SimpleNamespace(id="trial", spec=spec, apart=True, code={"blocks/x.py": "x.py"})


def answered(suite: Suite, sheet: Sheet, read: Reader) -> dict[str, dict[str, list[str]]]:
    """What a reader says to a sheet: read(tokens, position) -> class."""
    tokens, asked = prompts_of([one.question for one in sheet.asked["t"]])
    said = []
    for row, mine in zip(tokens.tolist(), asked, strict=True):
        classes = [read(row, position) for position in np.flatnonzero(mine)]
        if suite.kind == "bits":
            said += said_logits(
                np.eye(CLASSES)[classes][None] * 4, np.ones((1, len(classes)), bool)
            )
        else:
            said.append(" ".join(map(str, classes)))
    return {"t": {"test": said}}


def marked(suite: Suite, trial: SimpleNamespace, read: Reader) -> dict[str, dict[str, list[str]]]:
    given = sheets(trial, suite)  # type: ignore[arg-type]
    said = [answered(suite, sheet, read) for sheet in given]
    return joined(given, said, suite.cards, suite.items(1))  # type: ignore[arg-type]


def behind(tokens: list[int], at: int) -> int:
    return sum(tokens[: at + 1]) % CLASSES


def ahead(tokens: list[int], at: int) -> int:
    return sum(tokens) % CLASSES


def test_no_job_is_asked_a_prompt_and_its_twin(trial: SimpleNamespace) -> None:
    suite = Suite()
    one, two = sheets(trial, suite)  # type: ignore[arg-type]
    items = suite.items(1)["t"]
    seen: set[Place] = set()
    for sheet in (one, two):
        rows = {asked.place: asked for asked in sheet.asked["t"]}
        plain = {place for place in rows if not place.cut}
        twins = {Place(place.split, place.row) for place in rows if place.cut}
        assert len(twins) > 10
        assert not plain & twins
        assert {place.split for place in plain} == {"dev", "test"}
        seen |= plain
        ends = {tuple(items[p.split][p.row].prompt.split()) for p in plain}
        for place, asked in rows.items():
            real = items[place.split][place.row].prompt.split()
            told = asked.question.prompt.split()
            same = LENGTH if not place.cut else place.cut
            assert told[:same] == real[:same]
            assert (told[same:LENGTH] != real[same:LENGTH]) == (place.cut > 0)
            assert told[LENGTH:] == real[LENGTH:]
            assert any(end[same:] == tuple(told[same:]) for end in ends), "told of no other prompt"
            assert not place.cut or place.cut > suite.asked[0]
    assert len(seen) == 60
    order = [asked.place.split for asked in one.asked["t"]]
    assert order not in (sorted(order), sorted(order, reverse=True))
    assert sheets(trial, suite) == (one, two)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["positions", "bits"])
def test_who_looks_back_only_is_scored_in_the_order_of_the_items(
    kind: TaskKind, trial: SimpleNamespace
) -> None:
    suite = Suite(kind)
    found = marked(suite, trial, behind)["t"]
    for split, items in suite.items(1)["t"].items():
        tokens, _ = prompts_of(items)
        wanted = [[behind(row, at) for at in suite.asked] for row in tokens.tolist()]
        if kind == "positions":
            assert found[split] == [" ".join(map(str, row)) for row in wanted]
        else:
            logits = np.eye(CLASSES)[np.array(wanted)] * 4
            assert found[split] == said_logits(logits, np.ones((len(items), 3), bool))


def one_further(tokens: list[int], at: int) -> int:
    return tokens[min(at + 1, LENGTH - 1)]


def at_the_end(tokens: list[int], at: int) -> int:
    return tokens[-1]


@pytest.mark.parametrize("kind", ["positions", "bits"])
@pytest.mark.parametrize("read", [ahead, one_further, at_the_end])
def test_who_reads_ahead_is_found(read: Reader, kind: TaskKind, trial: SimpleNamespace) -> None:
    with pytest.raises(OutputRejected, match=r"looks ahead: [0-9]+ of [0-9]+ answers changed"):
        marked(Suite(kind), trial, read)


def test_who_reads_one_token_ahead_is_found_where_every_token_is_asked(
    trial: SimpleNamespace,
) -> None:
    """As in text: each twin changes one answer of many."""
    compared = Compared()
    suite = Suite(asked=tuple(range(LENGTH)))
    with pytest.raises(OutputRejected, match="looks ahead"):
        marked(suite, trial, one_further)
    long = item([0] * 500, list(range(500)))
    told = " ".join("0" * 499)
    for _ in range(100):
        compared.add(suite.cards[0], long, 400, (f"{told} 0", f"{told} 0"))
    compared.check()
    for _ in range(4):
        compared.add(suite.cards[0], long, 499, (f"{told} 0", f"{'0 ' * 498}1 0"))
    assert compared.moved < SHARE * compared.answers
    with pytest.raises(OutputRejected, match="looks ahead: 4 of 104 answers"):
        compared.check()


def test_who_reads_ahead_at_some_places_is_found(trial: SimpleNamespace) -> None:
    def sometimes(tokens: list[int], at: int) -> int:
        return ahead(tokens, at) if tokens[0] == 0 else behind(tokens, at)

    with pytest.raises(OutputRejected, match="looks ahead"):
        marked(Suite(), trial, sometimes)


def test_who_knows_which_prompts_it_was_asked_gains_nothing(trial: SimpleNamespace) -> None:
    """It looks up which real prompt begins like this one; of a twin's, it was told none."""
    suite = Suite()
    given = sheets(trial, suite)  # type: ignore[arg-type]
    said = []
    for sheet in given:
        told = prompts_of([one.question for one in sheet.asked["t"]])[0].tolist()

        def whole(tokens: list[int], at: int, told: list[list[int]] = told) -> int:
            alike = [row for row in told if row[: at + 1] == tokens[: at + 1]]
            return max(sum(row) for row in alike) % CLASSES

        said.append(answered(suite, sheet, whole))
    with pytest.raises(OutputRejected, match="looks ahead"):
        joined(given, said, suite.cards, suite.items(1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "suite", [Suite(asked=(LENGTH - 1,)), Suite(asked=(3, 6), last=1), Suite("exact_match")]
)
def test_what_nothing_follows_needs_no_twin(suite: Suite, trial: SimpleNamespace) -> None:
    """Asked at the end, or followed by the same tokens in every prompt."""
    given = sheets(trial, suite)  # type: ignore[arg-type]
    if suite.last == 1:
        cuts = {asked.place.cut for sheet in given for asked in sheet.asked["t"]}
        assert cuts <= {0, 4, 5}
    else:
        assert len(given) == 1
        assert not any(asked.place.cut for asked in given[0].asked["t"])


def test_code_of_this_project_is_asked_by_one_job(trial: SimpleNamespace) -> None:
    trial.code = {}
    assert len(sheets(trial, Suite())) == 1  # type: ignore[arg-type]
    trial.apart = False
    assert sheets(trial, Suite()) == ()  # type: ignore[arg-type]


def test_answers_that_are_missing_or_odd_are_refused(trial: SimpleNamespace) -> None:
    suite = Suite()
    given = sheets(trial, suite)  # type: ignore[arg-type]
    said = [answered(suite, sheet, behind) for sheet in given]
    said[1]["t"]["test"].pop()
    with pytest.raises(OutputRejected, match=r"answers to .* questions of t"):
        joined(given, said, suite.cards, suite.items(1))  # type: ignore[arg-type]
    said[1]["t"]["test"].append("1")
    with pytest.raises(OutputRejected, match="for 3 positions"):
        joined(given, said, suite.cards, suite.items(1))  # type: ignore[arg-type]
    with pytest.raises(OutputRejected, match="0 answers to"):
        joined(given, [{}, {}], suite.cards, suite.items(1))  # type: ignore[arg-type]
