"""Speed: measured side by side; the guard and the judge keep fast nonsense out."""

import itertools
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.decode import Sampling
from tools.architectures.ngram_judge import NGramJudge
from tools.architectures.objective import find_objective
from tools.architectures.speed import Contender, Timing, measure
from tools.architectures.speed_claim import Quality, quality, speed_claim
from tools.architectures.texture import degenerate, texture

torch.set_num_threads(1)
LETTERS = np.frombuffer("\n".join(topics.values()).encode("ascii", "replace"), dtype=np.uint8)
TEXT = LETTERS.astype(np.int64)
SEAM = len(TEXT) * 9 // 10
KNOWN, UNSEEN = TEXT[:SEAM], TEXT[SEAM:]


def rows_of(text, count=8, length=128):
    return text[: count * length].reshape(count, length)


def loop_of(text, period, count=8, length=128):
    return np.stack([np.resize(text[k * 50 : k * 50 + period], length) for k in range(count)])


@pytest.mark.parametrize(("count", "length"), [(8, 128), (32, 64)])
def test_the_guard_passes_real_text(count, length):
    draw = np.random.default_rng(0)
    alarms = 0
    for text in (KNOWN, UNSEEN):
        for _ in range(10):
            starts = draw.integers(len(text) - length, size=count)
            alarms += bool(degenerate(text[starts[:, None] + np.arange(length)], UNSEEN))
    assert alarms <= 1


def test_the_guard_catches_a_constant_text_and_short_loops():
    for period in (1, 2, 3, 12, 40):
        problems = degenerate(loop_of(KNOWN, period), UNSEEN)
        assert any(problem.startswith("distinct_3") for problem in problems), period
    assert degenerate(np.full((8, 128), 101), UNSEEN)[0].startswith("unigram_bits is 0.000")


def test_the_guard_catches_rows_that_are_all_the_same():
    assert degenerate(np.repeat(rows_of(KNOWN, 1), 16, 0), UNSEEN)


def test_texture_is_what_counting_by_hand_gives():
    found = texture(np.array([[0, 1, 0, 1]]))
    assert found.unigram_bits == 1
    assert found.distinct_1 == 2 / 4
    assert found.distinct_2 == 2 / 3
    assert found.distinct_3 == 1
    assert found.bigram_bits == pytest.approx(0)


def test_the_guard_needs_enough_real_text():
    with pytest.raises(BadInput, match="longer"):
        degenerate(np.zeros((1, 50), dtype=np.int64), UNSEEN[:20])


def test_the_judge_is_a_distribution_and_prefers_real_text():
    judge = NGramJudge(np.array([0, 1, 2, 0, 1, 1, 2, 0]), 3, 3)
    texts = np.array(list(itertools.product(range(3), repeat=4)))
    total = sum(2.0 ** (-4 * judge.bits(text[None])) for text in texts)
    assert total == pytest.approx(1)
    judge = NGramJudge(KNOWN, 128)
    noise = np.random.default_rng(0).permutation(UNSEEN[:4096]).reshape(32, 128)
    assert judge.bits(rows_of(UNSEEN, 32)) < 3 < 5 < judge.bits(noise)
    with pytest.raises(BadInput, match="lower order"):
        NGramJudge(KNOWN, 10_000, 6)


def contenders():
    torch.manual_seed(0)
    mixer = Choice(block="block_attention")
    architecture = Architecture(width=16, layers=(Layer(mixer=mixer),))
    made = []
    for name, how in (("next_token", Sampling()), ("masked_diffusion", Sampling(1.0, 4))):
        aim = find_objective(name).make()
        made.append(Contender(name, aim, aim.model(architecture, 128), how))
    return made


def test_measuring_gives_every_cell_its_passes_cache_and_speeds():
    ticks = itertools.count()
    timing = Timing(repeats=3, clock=lambda: float(next(ticks)))
    paces = measure(contenders(), torch.from_numpy(UNSEEN), (8, 16), (1, 3), 8, timing)
    assert [(p.context, p.batch, p.contender) for p in paces] == [
        (context, batch, name)
        for context in (8, 16)
        for batch in (1, 3)
        for name in ("next_token", "masked_diffusion")
    ]
    causal, masked = paces[2], paces[3]
    assert (causal.passes, masked.passes) == (7, 2)
    assert causal.prefill_tokens_per_s == 3 * 8 and masked.prefill_tokens_per_s is None
    assert causal.decode_tokens_per_s == masked.decode_tokens_per_s == 3 * 8
    assert causal.cache_bytes_per_token == pytest.approx(2 * 16 * 4, abs=1)
    assert masked.cache_bytes == 0


def test_threads_are_as_before_after_measuring():
    before = torch.get_num_threads()
    timing = Timing(repeats=1, threads=before + 1)
    paces = measure(contenders(), torch.from_numpy(UNSEEN), (4,), (1,), 2, timing)
    assert torch.get_num_threads() == before
    assert all(pace.decode_tokens_per_s > 0 for pace in paces)
    with pytest.raises(BadInput, match="longer text"):
        measure(contenders(), torch.zeros(3, dtype=torch.long), (4,), (1,), 2, timing)


def test_a_speed_claim_falls_with_repeating_text_worse_text_or_one_slow_batch():
    ticks = itertools.count()
    timing = Timing(repeats=1, clock=lambda: float(next(ticks)))
    paces = measure(contenders(), torch.from_numpy(UNSEEN), (8,), (1, 3), 8, timing)
    slow = [p for p in paces if p.contender == "next_token"]
    fast = [
        type(p)(**{**vars(p), "decode_tokens_per_s": p.decode_tokens_per_s * 4})
        for p in paces
        if p.contender != "next_token"
    ]
    judge = NGramJudge(KNOWN, 128)
    good = quality(rows_of(UNSEEN), 32, UNSEEN, judge)
    looped = quality(loop_of(KNOWN, 30), 32, UNSEEN, judge)
    assert good.problems == () and good.judged_bits == pytest.approx(good.real_bits, abs=0.7)
    assert looped.judged_bits < good.judged_bits
    assert speed_claim(fast, slow, good, good).ratios == {1: 4.0, 3: 4.0}
    assert speed_claim(fast, slow, good, good).holds
    assert not speed_claim(fast, slow, looped, good).holds
    worse = Quality(good.judged_bits + 0.5, good.real_bits, ())
    assert "0.50 bits" in speed_claim(fast, slow, worse, good).against[0]
    assert "batch 1" in speed_claim(slow, slow, good, good).against[0]
    with pytest.raises(BadInput, match="alike"):
        speed_claim(fast[:1], slow, good, good)
