"""Races: quality decides first, then speed; nothing is claimed of unlike text."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.decode import Sampling
from tools.architectures.ladder import Rung, fastest_match, matched_ratio
from tools.architectures.objective import find_objective
from tools.architectures.race import Entrant, Track, race
from tools.architectures.speed import Contender, Timing, measure
from tools.architectures.speed_claim import Quality, mismatch
from tools.architectures.writer import Text, without_last
from tools.tasks.sequence import NOT_ASKED, find_sequence_task

GOOD = Quality(3.0, 2.0, (), 2.5)
LOOPED = replace(GOOD, problems=("distinct_3 is 0.1",))
TEXT = find_sequence_task("text")
SIZE = TEXT.sizes["quick"]


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def entrant(name="next_token", bits=9.0, exact=True, width=16, **how):
    torch.manual_seed(0)
    layer = Layer(mixer=Choice(block="softmax_attention"))
    aim = find_objective(name).make()
    model = aim.model(Architecture(width=width, layers=(layer,)), SIZE.vocabulary).eval()
    return Entrant(Contender("", aim, model, Sampling(1.0, **how)), bits, exact)


def track(**changes):
    unseen = TEXT.whole("test", SIZE)
    starts = np.linspace(0, len(unseen) - 8, 16).astype(int)
    given = {
        "vocabulary": SIZE.vocabulary,
        "known": TEXT.whole("train", SIZE)[:20_000],
        "unseen": unseen,
        "prompts": unseen[starts[:, None] + np.arange(8)],
        "written": 24,
        "context": 16,
        "timed": 8,
        "batches": (1, 4),
        "repeats": 3,
        "reads": 1,
    }
    return Track(**given | changes)


def test_the_regions_of_the_text_are_apart_and_windows_come_from_their_own():
    known, unseen = (TEXT.whole(part, SIZE) for part in ("train", "test"))
    assert len(known) > 5 * len(unseen) > 0
    whole = known.tobytes()
    for row in TEXT.data("test", 3, SIZE, 8).tokens:
        assert row.tobytes() in unseen.tobytes()
        assert row.tobytes() not in whole


def test_a_model_beside_itself_has_equal_quality_and_about_equal_speed():
    one = entrant()
    finish = race(one, one, track())
    assert finish.contender.quality == finish.baseline.quality
    assert "no more than how often" in " ".join(finish.against)
    assert finish.speedup(1) == 0.0
    assert 0.2 < finish.decode_ratio(1) < 5
    assert finish.prefill_ratio(4) is not None
    assert [pace.batch for pace in finish.contender.paces] == [1, 4]


@pytest.mark.slow
def test_a_contender_that_knows_the_text_worse_has_no_speed_up():
    finish = race(entrant(bits=3.2), entrant(bits=3.0), track())
    assert "unseen text costs it 0.20 bits" in finish.against[-1]
    assert finish.speedup(1) == 0.0 < finish.decode_ratio(1)


@pytest.mark.slow
def test_what_fills_in_is_judged_by_what_it_writes_and_keeps_nothing_of_a_prompt():
    finish = race(entrant("masked_diffusion", exact=False, per_pass=8), entrant(), track())
    assert finish.contender.quality.text_bits is None
    assert finish.prefill_ratio(1) is None
    assert finish.contender.pace(4).passes == 1
    assert finish.contender.pace(4).cache_bytes == 0 < finish.baseline.pace(4).cache_bytes


@pytest.mark.parametrize(
    ("fast", "slow", "says"),
    [
        (LOOPED, GOOD, "degenerate text: distinct_3"),
        (GOOD, LOOPED, "degenerate baseline"),
        (replace(GOOD, text_bits=2.7), GOOD, "unseen text costs it 0.20 bits"),
        (replace(GOOD, text_bits=None, judged_bits=3.5), GOOD, "the judge needs 0.50 bits"),
        (replace(GOOD, text_bits=math.inf), GOOD, "inf bits"),
        (GOOD, replace(GOOD, text_bits=math.inf), "no more than how often"),
        (GOOD, replace(GOOD, text_bits=4.7, single_bits=4.6), "no more than how often"),
        (replace(GOOD, text_bits=math.nan), GOOD, "nan bits"),
    ],
)
def test_quality_that_is_not_matched_is_said(fast, slow, says):
    assert says in " ".join(mismatch(fast, slow))


def test_equal_better_and_nearly_equal_quality_is_matched():
    assert mismatch(GOOD, GOOD) == ()
    assert mismatch(replace(GOOD, text_bits=1.0), GOOD) == ()
    assert mismatch(replace(GOOD, text_bits=2.55), GOOD) == ()
    assert mismatch(replace(GOOD, judged_bits=9.0), GOOD) == ()


def rung(name, bits, speed, problems=()):
    return Rung(name, Quality(bits, 2.0, problems), {1: speed})


def test_the_fastest_that_writes_as_well_is_the_match():
    ladder = [
        rung("large", 3.0, 100.0),
        rung("small", 5.0, 400.0),
        rung("tiny", 7.0, 900.0),
        rung("looped", 1.0, 9999.0, ("distinct_1",)),
    ]
    assert fastest_match(rung("x", 6.0, 800.0), ladder, 1).name == "small"
    assert matched_ratio(rung("x", 6.0, 800.0), ladder, 1) == 2.0
    assert matched_ratio(rung("x", 7.0, 450.0), ladder, 1) == 0.5
    assert matched_ratio(rung("x", 2.0, 800.0), ladder, 1) is None
    assert matched_ratio(rung("x", 6.0, 800.0, ("distinct_1",)), ladder, 1) is None


@pytest.mark.slow
def test_the_clock_of_a_race_is_fine_under_a_limit_of_processor_time():
    code = (
        "import resource, time\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 61))\n"
        "from tools.architectures.race import clock_of\n"
        "clock, seen, end = clock_of('cpu'), set(), time.perf_counter() + 0.05\n"
        "while time.perf_counter() < end: seen.add(clock())\n"
        "assert len(seen) > 500, len(seen)\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_later_timings_go_on_from_the_last_reading():
    one = entrant().contender
    ticks = iter(range(10_000))
    timing = Timing(repeats=4, reads=1, clock=lambda: float(next(ticks)))
    [pace] = measure([one], torch.from_numpy(track().unseen), (8,), (2,), 8, timing)
    assert pace.prefill_tokens_per_s == 2 * 8 and pace.decode_tokens_per_s == 2 * 8
    assert pace.read_passes == 1


def test_only_texts_can_be_raced_over_and_the_last_of_a_window_is_not_asked():
    mqar = find_sequence_task("mqar")
    with pytest.raises(BadInput, match="no text"):
        Text.of(mqar, mqar.sizes["quick"], 0, np.zeros((1, 4), dtype=np.int64))
    batch = without_last(np.array([[5, 6, 7]]))
    assert batch.targets.tolist() == [[6, 7, NOT_ASKED]]


@pytest.mark.parametrize("given", [{}, {"window": 3}, {"groups": 2, "sinks": 2, "window": 4}])
def test_attention_reads_chunks_as_it_reads_single_positions(given):
    from tools.architectures.blocks.softmax_attention import SoftmaxAttention

    torch.manual_seed(0)
    block, x = SoftmaxAttention(16, **given), torch.randn(2, 11, 16)
    state, found = block.start(2), []
    for begin, end in ((0, 4), (4, 5), (5, 11)):
        out, state = block.step(x[:, begin:end], state)
        found.append(out)
    assert torch.allclose(torch.cat(found, 1), block(x), atol=1e-5)
    assert not given.get("window") or state["key"].shape[2] == given["window"]
