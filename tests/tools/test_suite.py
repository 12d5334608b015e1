"""The task suite: every task by one loop, then each one's structure by a slow, separate reading."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from sandbox.errors import BadInput, UnknownName
from tools.tasks import python_text
from tools.tasks.asked import items_of, said, said_logits
from tools.tasks.distinct import distinct
from tools.tasks.recall import first_seen
from tools.tasks.sequence import (
    NOT_ASKED,
    Batch,
    Part,
    Size,
    all_sequence_tasks,
    find_sequence_task,
)
from tools.tasks.sequence_score import count_right, measure_bits
from tools.tasks.suite import digits, grid_world, life, memorization, text
from tools.tasks.suite import domains as suite_domains
from tools.tasks.variation import along, variations, varied

pytestmark = pytest.mark.slow

TASKS = all_sequence_tasks()
NAMES = sorted(TASKS)
PARTS: tuple[Part, ...] = ("train", "dev", "test")
MAD = {
    "in_context_recall": (16, 128, 12_800),
    "fuzzy_recall": (16, 128, 12_800),
    "noisy_recall": (32, 128, 12_800),
    "selective_copy": (16, 256, 12_800),
    "compression": (16, 32, 12_800),
    "memorization": (256, 32, 256),
}
WORLDS = ["grid_world", "life", "life_rollout"]
CHANCE_WITHIN = 0.15
"""Relative, so that a chance of one in thirty is not taken for one in sixty."""


def drawn(name: str, part: Part = "test", seed: int = 0, count: int = 0) -> tuple[Batch, Size]:
    size = TASKS[name].sizes["quick"]
    return TASKS[name].data(part, seed, size, count), size


def rows(batch: Batch) -> set[bytes]:
    return {row.tobytes() for row in batch.tokens}


def test_the_suite_has_mqar_mad_algorithms_images_text_worlds_and_one_held_back_task() -> None:
    others = {"mqar", "parity", "modular_sum", "digits", "text", "life", "grid_world"}
    assert set(NAMES) == set(MAD) | others | {"multi_hop_recall", "domains", "life_rollout"}
    assert [name for name in NAMES if TASKS[name].held_back] == ["multi_hop_recall"]
    assert [name for name in NAMES if TASKS[name].scored == "bits"] == ["text"]
    assert [name for name in NAMES if TASKS[name].readout == "last"] == ["compression"]
    assert [name for name in NAMES if TASKS[name].advance] == WORLDS
    assert [name for name in NAMES if TASKS[name].domains > 1] == ["domains"]
    with pytest.raises(UnknownName, match="mqar"):
        find_sequence_task("mqra")


def test_loading_the_suite_imports_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from tools.tasks.sequence import all_sequence_tasks; all_sequence_tasks()\n"
        "print({'torch', 'numpy', 'sklearn', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", NAMES)
def test_a_task_has_three_sizes_a_source_and_a_summary(name: str) -> None:
    task = TASKS[name]
    assert set(task.sizes) == {"quick", "default", "paper"}
    assert task.source
    assert task.summary.endswith((".", "?"))
    for profile in ("quick", "default", "paper"):
        for axis, sizes in variations(task, profile).items():
            assert sizes, axis
            assert all(size != task.sizes[profile] for size in sizes)


@pytest.mark.parametrize("profile", ["quick", "default", "paper"])
@pytest.mark.parametrize("name", NAMES)
def test_shapes_kinds_and_targets_are_as_declared(name: str, profile: str) -> None:
    size = TASKS[name].sizes[profile]
    for part in PARTS:
        batch = TASKS[name].data(part, 1, size, 16)
        assert batch.tokens.shape == batch.targets.shape == (16, size.length)
        assert batch.tokens.dtype == batch.targets.dtype == np.int64
        assert 0 <= batch.tokens.min() <= batch.tokens.max() < size.vocabulary
        asked = batch.targets[batch.targets != NOT_ASKED]
        assert 0 <= asked.min() <= asked.max() < size.classes
        assert ((batch.targets != NOT_ASKED).sum(1) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_size_gives_its_own_number_of_sequences(name: str) -> None:
    small = replace(TASKS[name].sizes["quick"], train=24, dev=8, test=16)
    assert [len(TASKS[name].data(part, 0, small)) for part in PARTS] == [24, 8, 16]
    for sizes in TASKS[name].sizes.values():
        assert min(sizes.train, sizes.dev, sizes.test) > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_data_and_another_seed_gives_others(name: str) -> None:
    for part in PARTS:
        (once, _), (again, _), (other, _) = (drawn(name, part, seed, 32) for seed in (3, 3, 4))
        assert np.array_equal(once.tokens, again.tokens)
        assert np.array_equal(once.targets, again.targets)
        assert not np.array_equal(once.tokens, other.tokens)


@pytest.mark.parametrize("name", NAMES)
def test_no_sequence_stands_in_two_splits_of_any_seeds(name: str) -> None:
    def seen(part: Part) -> set[bytes]:
        return rows(drawn(name, part, 0)[0]) | rows(drawn(name, part, 1)[0])

    train, dev, test = (seen(part) for part in PARTS)
    assert (len(train & dev), len(train & test), len(dev & test)) == (0, 0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_changes_the_test_split_alone_and_no_sequence_leaves_its_split(name: str) -> None:
    task, size = TASKS[name], TASKS[name].sizes["quick"]

    def drawn_with(part: Part, secret: str) -> Batch:
        return task.data(part, 3, size, secret=secret)

    for part in ("train", "dev"):
        assert np.array_equal(drawn_with(part, "").tokens, drawn_with(part, "a").tokens)
    plain, one, other = (drawn_with("test", secret) for secret in ("", "a", "b"))
    assert np.array_equal(one.tokens, drawn_with("test", "a").tokens)
    assert len({batch.tokens.tobytes() for batch in (plain, one, other)}) == 3
    outside = rows(drawn_with("train", "a")) | rows(drawn_with("dev", "a"))
    assert not outside & (rows(one) | rows(other))


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_answer_scores_one(name: str) -> None:
    batch, size = drawn(name, count=32)
    items, asked = items_of(batch), batch.targets != NOT_ASKED
    if TASKS[name].scored == "bits":
        sure = 60.0 * np.eye(size.classes)[np.where(asked, batch.targets, 0)]
        found = measure_bits(list(said_logits(sure, asked)), items, size.classes)
        assert found.tokens == asked.sum()
        assert found.mean == pytest.approx(0.0, abs=1e-9)
    else:
        right = count_right(list(said(batch.targets, asked)), items, size.classes)
        assert right == (asked.sum(), asked.sum())


@pytest.mark.parametrize("name", [name for name in NAMES if TASKS[name].scored == "accuracy"])
def test_the_best_constant_guess_is_as_good_as_chance(name: str) -> None:
    size = TASKS[name].sizes["quick"]
    batch = TASKS[name].data("test", 0, size, 320 if name == "digits" else 2000)
    counts = np.bincount(batch.targets[batch.targets != NOT_ASKED], minlength=size.classes)
    assert counts.max() / counts.sum() == pytest.approx(TASKS[name].chance(size), rel=CHANCE_WITHIN)


def test_a_uniform_guess_on_text_costs_the_bits_that_are_called_chance() -> None:
    batch, size = drawn("text", count=8)
    asked = batch.targets != NOT_ASKED
    flat = said_logits(np.zeros((*asked.shape, size.classes)), asked)
    found = measure_bits(list(flat), items_of(batch), size.classes)
    assert found.mean == pytest.approx(TASKS["text"].chance(size))


@pytest.mark.parametrize("name", NAMES)
def test_answers_stand_in_the_tokens_only_where_the_task_says_so(name: str) -> None:
    batch, _ = drawn(name, count=64)
    row, position = np.nonzero(batch.targets != NOT_ASKED)
    inside = position + 1 < batch.tokens.shape[1]
    row, position = row[inside], position[inside]
    shown = batch.tokens[row, position + 1] == batch.targets[row, position]
    if TASKS[name].domains > 1:
        assert shown.any() == TASKS[name].next_token
        return
    assert shown.all() == TASKS[name].next_token if len(shown) else not TASKS[name].next_token


# The variations


def test_a_variation_changes_one_axis_only() -> None:
    task = find_sequence_task("noisy_recall")
    walked = variations(task, "paper")
    assert [size.vocabulary for size in walked["vocabulary"]] == [48, 80, 144]
    assert [size.length for size in walked["length"]] == [256, 512, 1024]
    assert [size.train for size in walked["train"]] == [6400, 3200, 1600, 800]
    assert [size.extra["noise"] for size in walked["noise"]] == [0.4, 0.6, 0.8]
    assert {size.extra["noise_vocabulary"] for size in walked["noise"]} == {16}
    assert along("noise", 0.4) == ({"noise": 0.4},)
    with pytest.raises(BadInput, match="no 'nois'"):
        varied(task.sizes["paper"], {"nois": 1})


@pytest.mark.parametrize("name", sorted(MAD))
def test_paper_sizes_are_the_baselines_of_mad(name: str) -> None:
    size = TASKS[name].sizes["paper"]
    assert (size.vocabulary, size.length, size.train) == MAD[name]
    assert size.test == 1280


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_variation_can_be_drawn(name: str) -> None:
    for profile in ("quick", "default", "paper"):
        for axis, sizes in variations(TASKS[name], profile).items():
            for size in sizes:
                batch = TASKS[name].data("test", 0, size, 8)
                assert len(batch) == 8, (profile, axis)
                assert batch.targets.max() < size.classes


# The structure of each, read slowly


@pytest.mark.parametrize(("length", "pairs", "vocabulary"), [(32, 8, 64), (64, 4, 8192)])
def test_mqar_asks_each_key_once_after_all_pairs(length: int, pairs: int, vocabulary: int) -> None:
    size = replace(
        TASKS["mqar"].sizes["quick"], length=length, vocabulary=vocabulary, extra={"pairs": pairs}
    )
    half = vocabulary // 2
    gaps: Counter[int] = Counter()
    batch = TASKS["mqar"].data("train", 0, size, 400)
    for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
        said_before = dict(zip(tokens[: 2 * pairs : 2], tokens[1 : 2 * pairs : 2], strict=True))
        assert len(said_before) == len(set(said_before.values())) == pairs
        assert all(1 <= key < half <= value for key, value in said_before.items())
        asked = [place for place, target in enumerate(targets) if target != NOT_ASKED]
        assert sorted(tokens[place] for place in asked) == sorted(said_before)
        for place in asked:
            assert place >= 2 * pairs
            assert place % 2 == 0
            assert targets[place] == said_before[tokens[place]]
            gaps[(place - 2 * pairs) // 2] += 1
    slots = [gaps[slot] for slot in range(length // 2 - pairs)]
    assert slots[0] == max(slots)
    assert sum(slots[: len(slots) // 2]) >= sum(slots[len(slots) // 2 :])


def test_mqar_gaps_are_drawn_one_after_another_by_the_power_law() -> None:
    size = replace(TASKS["mqar"].sizes["quick"], length=16, extra={"pairs": 1})
    assert TASKS["mqar"].draws is not None
    batch = TASKS["mqar"].draws(np.random.default_rng(0), 20_000, size)
    place = (batch.targets != NOT_ASKED).argmax(1)
    share = np.bincount((place - 2) // 2, minlength=7) / len(batch)
    weight = np.arange(1, 8) ** (0.01 - 1)
    assert np.abs(share - weight / weight.sum()).max() < 0.015


@pytest.mark.parametrize("name", ["in_context_recall", "noisy_recall"])
def test_recall_asks_for_the_values_of_keys_that_came_before(name: str) -> None:
    batch, size = drawn(name, count=200)
    options = size.vocabulary - int(size.extra.get("noise_vocabulary", 0))
    noise = 0
    for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
        known: dict[int, int] = {}
        wanted = [NOT_ASKED] * size.length
        for place in range(0, size.length, 2):
            key, value = tokens[place : place + 2]
            if key >= options:
                assert value >= options
                noise += 1
                continue
            assert key < options // 2 <= value < options
            if key in known:
                assert known[key] == value
                wanted[place] = value
            known[key] = value
        assert wanted == targets
        assert targets[-2] != NOT_ASKED
    share = noise / (200 * size.length / 2)
    assert share == pytest.approx(size.extra.get("noise", 0.0), abs=0.04)


@pytest.mark.parametrize("name", ["in_context_recall", "noisy_recall", "fuzzy_recall", "text"])
def test_training_on_recall_and_text_asks_for_every_next_token(name: str) -> None:
    batch, _ = drawn(name, "train", count=50)
    assert np.array_equal(batch.targets[:, :-1], batch.tokens[:, 1:])
    if name != "text":
        assert (batch.targets[:, -1] == NOT_ASKED).all()


def read_motifs(
    tokens: list[int], half: int, pad: int
) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """(where the value begins, key, value) of each pair of a fuzzy sequence."""
    place = next(n for n, token in enumerate(tokens) if token != pad)
    found = []
    while place < len(tokens):
        begin = place
        while tokens[place] < half:
            place += 1
        middle = place
        while place < len(tokens) and tokens[place] >= half:
            place += 1
        found.append((middle, tuple(tokens[begin:middle]), tuple(tokens[middle:place])))
    return found


@pytest.mark.parametrize("profile", ["quick", "default"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_fuzzy_recall_asks_for_whole_values_of_keys_that_came_before(
    part: Part, profile: str
) -> None:
    size = TASKS["fuzzy_recall"].sizes[profile]
    motif, pad = int(size.extra["motif"]), size.vocabulary - 1
    half = pad // 2
    widths: Counter[int] = Counter()
    batch = TASKS["fuzzy_recall"].data(part, 0, size, 200)
    for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
        known: dict[tuple[int, ...], tuple[int, ...]] = {}
        wanted = [NOT_ASKED] * size.length
        pairs = read_motifs(tokens, half, pad)
        for begin, key, value in pairs:
            assert len(set(key)) == len(key) <= motif
            assert len(set(value)) == len(value) <= motif
            assert pad not in value
            widths[len(key)] += 1
            if key in known:
                assert known[key] == value
                wanted[begin - 1 : begin - 1 + len(value)] = value
            known[key] = value
        assert pairs[-1][1] in [key for _, key, _ in pairs[:-1]]
        if part == "test":
            assert wanted == targets
    assert set(widths) == (set(range(1, motif + 1)) if part == "train" else {motif})


def test_selective_copy_asks_for_what_is_not_blank_in_order() -> None:
    batch, size = drawn("selective_copy", count=200)
    copied, blank = int(size.extra["copied"]), size.vocabulary - 2
    places: Counter[int] = Counter()
    for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
        sign = tokens.index(blank + 1)
        assert sign == size.length - copied - 1
        assert tokens[sign + 1 :] == [blank] * copied
        words = [token for token in tokens[:sign] if token != blank]
        assert targets == [NOT_ASKED] * (sign + 1) + words
        places[next(n for n, token in enumerate(tokens) if token != blank)] += 1
    assert len(places) > 5


def test_compression_asks_for_every_token_before_the_sign() -> None:
    batch, size = drawn("compression", count=100)
    sign = size.vocabulary - 1
    assert (batch.tokens[:, -1] == sign).all()
    assert (batch.tokens[:, :-1] < sign).all()
    assert np.array_equal(batch.targets[:, :-1], batch.tokens[:, :-1])
    assert (batch.targets[:, -1] == NOT_ASKED).all()


def test_memorization_tests_the_facts_it_trains_and_each_seed_has_its_own() -> None:
    blank, known = TASKS["memorization"].sizes["quick"].vocabulary - 1, {}
    for part in PARTS:
        batch, size = drawn("memorization", part)
        for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
            assert targets[::2] == [NOT_ASKED] * (size.length // 2)
            for key, hole, value in zip(tokens[::2], tokens[1::2], targets[1::2], strict=True):
                assert hole == blank
                assert known.setdefault(key, value) == value
    assert len(known) == len(set(known.values())) == blank // 2
    assert max(known) < blank // 2 <= min(known.values()) <= max(known.values()) < blank
    size = TASKS["memorization"].sizes["quick"]
    facts = memorization.facts_of
    assert not np.array_equal(facts(0, size), facts(1, size))


@pytest.mark.parametrize("name", ["parity", "modular_sum"])
def test_sums_wrap_around(name: str) -> None:
    batch, size = drawn(name, count=100)
    for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
        assert tokens[-1] == size.vocabulary - 1
        assert targets[:-1] == [NOT_ASKED] * (size.length - 1)
        assert targets[-1] == sum(tokens[:-1]) % size.classes


def test_multi_hop_recall_follows_one_link_and_two() -> None:
    size = replace(TASKS["multi_hop_recall"].sizes["quick"], length=23)
    batch = TASKS["multi_hop_recall"].data("test", 0, size, 100)
    for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
        to_c = dict(zip(tokens[3:11:2], tokens[4:11:2], strict=True))
        to_b = dict(zip(tokens[11:19:2], tokens[12:19:2], strict=True))
        assert sorted(to_b.values()) == sorted(to_c)
        assert sorted(tokens[19:]) == sorted(to_b)
        wanted = [NOT_ASKED] * 19 + [to_c[to_b[a]] for a in tokens[19:]]
        wanted[12:19:2] = [to_c[b] for b in tokens[12:19:2]]
        assert targets == wanted


def test_digits_keep_images_of_every_kind_in_each_region() -> None:
    regions = {part: digits._region(part) for part in PARTS}
    everything = np.concatenate(list(regions.values()))
    assert sorted(everything.tolist()) == list(range(1797))
    for part in PARTS:
        batch, size = drawn("digits", part, count=150)
        labels = digits._images()[1][regions[part]]
        assert np.bincount(labels).max() - np.bincount(labels).min() <= 8
        assert (batch.tokens[:, -1] == digits.ASK).all()
        assert set(batch.targets[:, -1].tolist()) == set(range(size.classes))
    with pytest.raises(BadInput, match="the region holds"):
        drawn("digits", "train", count=5000)


# Text


def test_text_regions_are_apart_and_hold_hardly_a_window_of_each_other() -> None:
    whole, gap = python_text.python_text(), 64
    train, dev, test = (whole[text._bounds(part, gap)] for part in PARTS)
    assert len(train) + len(dev) + len(test) == len(whole) - 2 * gap
    windows = {train[n : n + gap] for n in range(len(train) - gap)}
    inside = [test[n : n + gap] in windows for n in range(len(test) - gap)]
    assert sum(inside) / len(inside) < 0.01


def test_characters_are_numbered_by_the_training_region_alone() -> None:
    numbers = text._numbered(105)
    train = text._bounds("train", 64)
    assert (numbers[train] > text.UNKNOWN).mean() > 0.999
    assert np.bincount(numbers[train])[1] == python_text.python_text()[train].count(" ")
    assert (text._numbered(20) == text.UNKNOWN).any()


def test_a_text_that_is_not_pinned_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(python_text, "KNOWN", {"3.11.2": "0" * 64})
    with pytest.raises(BadInput, match="unknown SHA-256") as refusal:
        python_text.python_text.__wrapped__()
    assert "\n" not in str(refusal.value)
    assert "3.11.2" in refusal.value.fix


# World models


def life_by_hand(board: list[int], side: int) -> list[int]:
    after = []
    for cell in range(side * side):
        row, column = divmod(cell, side)
        near = sum(
            board[(row + i) % side * side + (column + j) % side]
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
            if (i, j) != (0, 0)
        )
        after.append(int(near == 3 or (near == 2 and board[cell] == 1)))
    return after


def walk_by_hand(tokens: list[int], side: int, walls: int) -> list[int]:
    cells = side * side
    solid = {divmod(cell, side) for cell in tokens[:walls]}
    box = divmod(tokens[walls] - cells, side)
    walker = divmod(tokens[walls + 1] - 2 * cells, side)
    rows_, columns = ((-1, 0), (1, 0), (0, -1), (0, 1)), range(side)

    def free(cell: tuple[int, int]) -> bool:
        return cell[0] in columns and cell[1] in columns and cell not in solid

    for action in tokens[walls + 2 : -2]:
        down, right = rows_[action - 3 * cells]
        ahead = (walker[0] + down, walker[1] + right)
        if ahead == box:
            behind = (box[0] + down, box[1] + right)
            if free(behind):
                box, walker = behind, ahead
        elif free(ahead):
            walker = ahead
    return [box[0] * side + box[1], walker[0] * side + walker[1]]


@pytest.mark.parametrize("name", ["life", "grid_world"])
def test_a_world_goes_on_by_its_rule(name: str) -> None:
    batch, size = drawn(name, count=100)
    side = int(size.extra["side"])
    moved = 0
    for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
        answers = [target for target in targets if target != NOT_ASKED]
        if name == "life":
            assert answers == life_by_hand(tokens[: side * side], side)
        else:
            walls = int(size.extra["walls"])
            assert answers == walk_by_hand(tokens, side, walls)
            moved += answers[0] != tokens[walls] - side * side
    assert name == "life" or 20 < moved < 60


@pytest.mark.parametrize("name", ["life", "grid_world"])
def test_a_perfect_one_step_model_that_iterates_solves_the_rollout(name: str) -> None:
    task = TASKS[name]
    (size,) = variations(task, "quick")["rollout"]
    side, module = int(size.extra["side"]), {"life": life, "grid_world": grid_world}[name]
    batch = task.data("test", 0, size, 50)
    asked = (batch.targets != NOT_ASKED).sum(1)[0]
    answers = np.zeros((50, asked), dtype=np.int64)
    for step in range(int(size.extra["rollout"])):
        prompts = module.advance(batch.tokens, answers, step, size)
        assert prompts.shape == (50, size.length)
        answers = np.array(
            [
                life_by_hand(row[:asked], side)
                if name == "life"
                else walk_by_hand(row, side, int(size.extra["walls"]))
                for row in prompts.tolist()
            ]
        )
    assert np.array_equal(answers, batch.targets[:, -asked:])
    first = module.advance(batch.tokens, answers, 0, size)
    single = rows(task.data("train", 0, size))
    assert not {row.tobytes() for row in first} & single


def test_chance_after_a_rollout_of_life_is_the_share_of_dead_cells() -> None:
    (size,) = variations(TASKS["life"], "default")["rollout"]
    batch = TASKS["life"].data("dev", 0, size, 640)
    dead = (batch.targets == 0).sum() / (batch.targets != NOT_ASKED).sum()
    assert TASKS["life"].chance(size) == pytest.approx(dead, abs=0.03)
    assert dead > life.ONE_STEP


def test_a_rollout_of_life_trains_on_single_steps_and_asks_for_ten() -> None:
    (train, size), (test, _) = (drawn("life_rollout", part, count=20) for part in ("train", "test"))
    side = int(size.extra["side"])
    for batch, steps in ((train, 1), (test, 10)):
        for tokens, targets in zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True):
            board = tokens[: side * side]
            for _ in range(steps):
                board = life_by_hand(board, side)
            assert targets[side * side :] == board


# Several domains


def test_each_domain_is_a_third_and_asks_what_it_says() -> None:
    batch, size = drawn("domains", count=600)
    words = size.classes
    copy, blank = words + 1, words
    facts = suite_domains.facts_of(0, words)
    told = TASKS["domains"].domain_of
    assert told is not None
    kinds = told(batch.tokens, size)
    assert np.bincount(kinds).min() > 150
    for kind, tokens, targets in zip(
        kinds, batch.tokens.tolist(), batch.targets.tolist(), strict=True
    ):
        assert tokens[0] == size.vocabulary - 3 + kind
        asked = {n: target for n, target in enumerate(targets) if target != NOT_ASKED}
        if kind == 0:
            seen: dict[int, int] = {}
            for n in range(1, size.length, 2):
                assert asked.get(n) == seen.get(tokens[n])
                seen[tokens[n]] = tokens[n + 1]
        elif kind == 1:
            said_words = [token for token in tokens[1:] if token < words]
            assert list(asked.values()) == said_words
            assert min(asked) == tokens.index(copy) + 1
        else:
            for n in range(3, size.length, 3):
                assert tokens[n] == blank
                assert asked.pop(n) == facts[tokens[n - 2], tokens[n - 1]]
            assert not asked


def test_facts_belong_to_the_seed_and_every_word_is_as_common() -> None:
    one, other = (suite_domains.facts_of(seed, 16) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert set(np.bincount(one.ravel())) == {16}


# Refusals, and the two small tools


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mqar", {"pairs": 9}),
        ("mqar", {"vocabulary": 16}),
        ("in_context_recall", {"length": 31}),
        ("noisy_recall", {"vocabulary": 17}),
        ("fuzzy_recall", {"motif": 8}),
        ("selective_copy", {"copied": 16}),
        ("multi_hop_recall", {"chains": 5}),
        ("life", {"side": 5}),
        ("grid_world", {"walls": 15}),
        ("text", {"length": 20_000}),
        ("domains", {"length": 24}),
    ],
)
def test_a_size_that_cannot_be_is_refused_in_one_sentence(
    name: str, change: dict[str, float]
) -> None:
    size = varied(TASKS[name].sizes["quick"], change)
    with pytest.raises(BadInput, match=name.split("_")[-1]) as refusal:
        TASKS[name].data("test", 0, size, 4)
    assert "\n" not in str(refusal.value)


def test_distinct_draws_every_choice_in_every_order_alike() -> None:
    drawn_ = distinct(np.random.default_rng(0), 12_000, 2, 4)
    counts = Counter(map(tuple, drawn_.tolist()))
    assert len(counts) == 12
    assert min(counts.values()) > 850
    assert sorted(distinct(np.random.default_rng(1), 1, 5, 5)[0].tolist()) == [0, 1, 2, 3, 4]


def test_first_seen_is_where_an_equal_key_stands_first() -> None:
    keys = np.random.default_rng(0).integers(0, 6, (50, 20))
    slow = [[row.index(key) for key in row] for row in keys.tolist()]
    assert first_seen(keys).tolist() == slow
