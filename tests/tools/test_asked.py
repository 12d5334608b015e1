"""Batches as items and back, and scores of what a hostile trial may say."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import BadInput, OutputRejected
from tools.tasks.asked import batch_of, items_of, prompts_of, said, said_logits
from tools.tasks.sequence import NOT_ASKED, Batch
from tools.tasks.sequence_score import count_right, measure_bits
from tools.tasks.task import Item, TaskCard, TaskView

CLASSES = 7
TOKENS = np.array([[5, 1, 2], [6, 0, 3]])
TARGETS = np.array([[NOT_ASKED, 4, 0], [NOT_ASKED, NOT_ASKED, 6]])
ITEMS = items_of(Batch(TOKENS, TARGETS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def packed(values: object, kind: str = "<f2") -> str:
    return base64.b64encode(np.array(values, dtype=kind).tobytes()).decode()


def test_an_item_is_tokens_asked_positions_and_answers_as_text() -> None:
    assert (Item("5 1 2 ? 1 2", "4 0"), Item("6 0 3 ? 2", "6")) == ITEMS


def test_items_become_the_batch_they_were_made_of() -> None:
    again = batch_of(ITEMS)
    assert np.array_equal(again.tokens, TOKENS)
    assert np.array_equal(again.targets, TARGETS)


def test_questions_without_answers_still_say_what_is_asked() -> None:
    card = TaskCard("t", "T", "exact_match", 0.1, "d", "s")
    view = TaskView.of(card, {"dev": ITEMS, "test": ITEMS})
    tokens, asked = prompts_of(view.test)
    assert np.array_equal(tokens, TOKENS)
    assert np.array_equal(asked, TARGETS != NOT_ASKED)
    assert not any(hasattr(question, "answer") for question in view.test)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (Item("5 x ? 1", "4"), "are not numbers"),
        (Item("5 -1 ? 1", "4"), "are not numbers"),
        (Item("5 1 ? 2", "4"), "asks behind its end"),
        (Item("5 1 ? 1", "4 4"), "2 answers"),
        (Item("5 1 ? 0 1", "4"), "1 answers"),
    ],
)
def test_items_of_another_form_are_refused(item: Item, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        batch_of([item])


def test_sequences_of_several_lengths_are_refused() -> None:
    with pytest.raises(BadInput, match="several lengths"):
        batch_of([Item("1 ? 0", "1"), Item("1 2 ? 0", "1")])


def test_the_share_of_asked_positions_that_are_right_is_counted() -> None:
    answers = np.array([[9, 4, 1], [9, 9, 6]])
    assert said(answers, TARGETS != NOT_ASKED) == ["4 1", "6"]
    assert count_right(["4 1", "6"], ITEMS, CLASSES) == (2, 3)
    assert count_right([" 4  0 ", "6"], ITEMS, CLASSES) == (3, 3)


@pytest.mark.parametrize(
    "predictions",
    [
        None,
        {},
        "4 0",
        ["4 0"],
        ["4 0", "6", "6"],
        [["4", "0"], "6"],
        ["4 0", 6],
        ["4 0", None],
        ["4", "6"],
        ["4 0 0", "6"],
        ["4 0", ""],
        ["4 0", "7"],
        ["4 0", "-1"],
        ["4 0", "6.0"],
        ["4 0", "1_0"],
        ["4 0", "٦"],
        ["4 0", "9" * 5000],
        ["4 0", "nan"],
    ],
)
def test_malformed_answers_are_rejected(predictions: object) -> None:
    with pytest.raises(OutputRejected):
        count_right(predictions, ITEMS, CLASSES)  # type: ignore[arg-type]


def test_bits_are_computed_from_logits_that_are_normalised_here() -> None:
    logits = np.random.default_rng(0).normal(size=(2, 3, CLASSES))
    asked = TARGETS != NOT_ASKED
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    slow = [-np.log2(chances[row, n, TARGETS[row, n]]) for row, n in zip(*asked.nonzero())]  # noqa: B905
    for moved in (logits, logits + 500.0, logits - 500.0):
        found = measure_bits(list(said_logits(moved, asked)), ITEMS, CLASSES)
        assert found.tokens == 3
        assert found.mean == pytest.approx(np.mean(slow), abs=2e-3)


def test_a_trial_cannot_lower_its_bits_by_logits_that_are_no_distribution() -> None:
    sure = [packed(np.full((n, CLASSES), 60_000.0)) for n in (2, 1)]
    assert measure_bits(list(sure), ITEMS, CLASSES).mean == pytest.approx(np.log2(CLASSES))


def test_very_unlikely_tokens_are_said_as_finite_logits() -> None:
    logits = np.full((2, 3, CLASSES), -1e9)
    logits[..., 0] = 0.0
    found = measure_bits(list(said_logits(logits, TARGETS != NOT_ASKED)), ITEMS, CLASSES)
    assert np.isfinite(found.mean)


GOOD = (packed(np.zeros((2, CLASSES))), packed(np.zeros((1, CLASSES))))


@pytest.mark.parametrize(
    "predictions",
    [
        None,
        [],
        [GOOD[0]],
        [GOOD[0], None],
        [GOOD[0], GOOD[0]],
        [GOOD[0], GOOD[1][:-4]],
        [GOOD[0], "*" + GOOD[1][1:]],
        [GOOD[0], "é" + GOOD[1][1:]],
        [GOOD[0], "=" * len(GOOD[1])],
        [GOOD[0], packed(np.zeros((1, CLASSES)), "<f4")],
        [GOOD[0], packed([[0, 0, 0, np.nan, 0, 0, 0]])],
        [GOOD[0], packed([[0, 0, 0, np.inf, 0, 0, 0]])],
        [GOOD[0], packed([[0, 0, 0, -np.inf, 0, 0, 0]])],
    ],
)
def test_malformed_logits_are_rejected(predictions: object) -> None:
    with pytest.raises(OutputRejected):
        measure_bits(predictions, ITEMS, CLASSES)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(JSON | st.lists(JSON, min_size=2, max_size=2))
def test_whatever_a_trial_says_is_a_score_or_a_rejection(predictions: object) -> None:
    for score in (count_right, measure_bits):
        try:
            score(predictions, ITEMS, CLASSES)  # type: ignore[operator]
        except OutputRejected as refusal:
            assert "\n" not in refusal.what
