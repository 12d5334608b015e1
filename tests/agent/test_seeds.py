from pathlib import Path

import pytest

from agent.seeds import seeds_of
from agent.settings import read_settings
from agent.topic import topic_from
from sandbox.errors import BadInput
from tools.architectures.subject import ArchitectureSuite
from tools.merging.miniature import Miniature


def topic(**fields):
    return topic_from({"question": "Does merging compose?", **fields}, Path(), "t")


def settings(seed=0):
    return read_settings(None, {"seed": seed}, {}, Path("none"))


def test_the_test_decides_how_many_seeds_there_are():
    seeds, spare = seeds_of(topic(), Miniature("quick"), settings())
    assert len(seeds) == 8
    assert len(seeds_of(topic(hypotheses=32, alpha=0.01), Miniature("quick"), settings())[0]) == 12
    assert not set(seeds) & set(spare)
    assert len(spare) >= len(seeds)


def test_seeds_that_shaped_the_miniature_are_not_used():
    for seed in (0, 1, 77):
        assert min(seeds_of(topic(), Miniature("quick"), settings(seed))[0]) >= 10


def test_seeds_on_which_the_gate_was_calibrated_are_not_used():
    for seed in (0, 1, 77):
        asked = topic(domain="architectures", profile="quick")
        assert min(seeds_of(asked, ArchitectureSuite("quick"), settings(seed))[0]) >= 20


def test_another_seed_of_the_run_gives_other_pairs():
    first = seeds_of(topic(), Miniature("quick"), settings(0))[0]
    second = seeds_of(topic(), Miniature("quick"), settings(1))[0]
    assert not set(first) & set(second)


def test_too_few_seeds_are_refused_before_any_work():
    with pytest.raises(BadInput, match="5 seeds cannot decide 8 hypotheses"):
        seeds_of(topic(seeds=5), Miniature("quick"), settings())


def test_data_for_too_few_pairs_are_refused_before_any_work():
    subject = Miniature("quick")
    subject.most_seeds = 6
    with pytest.raises(BadInput, match="allow 6"):
        seeds_of(topic(), subject, settings())


def test_data_for_exactly_three_times_the_pairs_still_give_seeds():
    subject = Miniature("quick")
    subject.most_seeds = 10 + 3 * 24
    seeds, spare = seeds_of(topic(seeds=24), subject, settings(3))
    assert len({*seeds, *spare}) == 72
