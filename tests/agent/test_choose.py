from dataclasses import replace

import pytest

from agent.minds.mind import Known
from agent.minds.playbook.choose import (
    Candidate,
    beliefs,
    candidates,
    choose,
    entropy,
)
from agent.minds.playbook.family import Idea, Setting, all_families
from agent.minds.playbook.playbook import _nothing_left
from sandbox.records import HypothesisLine
from tools.architectures.subject import ArchitectureSuite
from tools.experiment import Arm
from tools.merging.miniature import Miniature

SETTING = Setting(Miniature("quick"), 40)
ARCHITECTURES = Setting(ArchitectureSuite("quick"), 40)


def arm(name):
    return Arm(name=name, label=name, tool="evaluate", arguments={"role": name})


def candidate(name, *arms, belief=(1.0, 1.0), reach=0):
    idea = Idea(name, "s", "r", "p", "f", (), (arm(arms[0]),), (arm(arms[-1]),), 0.1)
    return Candidate(name, idea, (0,), belief, reach=reach)


def each_costs(amount):
    return lambda arms, seeds: amount * len(arms) * len(seeds)


def known(family, ruling, relation=""):
    idea = all_families()[family].think(SETTING)
    line = HypothesisLine(
        id=family,
        family=family,
        title=idea.title,
        statement="s",
        rationale="r",
        prediction="p",
        refuted_by="f",
        round=1,
        relation=relation,
    )
    return Known(line, None, None, ruling)


def test_a_certain_verdict_teaches_nothing():
    assert entropy(0.0) == entropy(1.0) == 0.0
    assert entropy(0.5) == 1.0


def test_the_uncertain_is_preferred_to_the_known():
    sure = candidate("sure", "a", "b", belief=(500.0, 1.0))
    open_ = candidate("open", "c", "d", belief=(50.0, 50.0))
    assert choose([sure, open_], each_costs(10), 1, 1e9, (), 0).chosen == (open_,)


def test_shared_trials_are_paid_once():
    first = candidate("first", "a", "b", belief=(50.0, 50.0))
    sharing = candidate("sharing", "a", "e", belief=(50.0, 60.0))
    other = candidate("other", "c", "d", belief=(50.0, 50.0))
    chosen = choose([first, sharing, other], each_costs(1000), 2, 1e9, (), 1).chosen
    assert {c.name for c in chosen} <= {"first", "sharing", "other"}
    assert {"first", "sharing"} == {c.name for c in chosen} or chosen[0].name == "other"


def test_one_comparison_is_not_asked_under_two_titles():
    first, second = candidate("first", "a", "b"), candidate("second", "a", "b")
    other = candidate("other", "b", "a")
    chosen = choose([first, second, other], each_costs(1), 3, 1e9, (), 0).chosen
    assert {c.name for c in chosen} in ({"first", "other"}, {"second", "other"})


def test_what_is_near_to_the_question_is_preferred():
    even = {"belief": (50.0, 50.0)}
    asked = replace(candidate("asked", "a", "b", **even), near=1.0)
    others = [candidate(f"other-{n}", f"c{n}", f"d{n}", **even) for n in range(9)]
    assert choose([*others, asked], each_costs(10), 1, 1e9, (), 0).chosen == (asked,)


def test_nothing_beyond_the_budget_is_chosen():
    dear = candidate("dear", "a", "b")
    assert choose([dear], each_costs(100), 3, 150.0, (), 0).chosen == ()
    assert choose([dear], each_costs(100), 3, 250.0, (), 0).chosen == (dear,)


def test_what_the_topic_asks_for_goes_first():
    asked = candidate("asked", "a", "b", belief=(900.0, 1.0))
    others = [candidate(f"other{i}", f"x{i}", f"y{i}", belief=(50.0, 50.0)) for i in range(4)]
    chosen = choose([*others, asked], each_costs(1), 2, 1e9, ("asked",), 0).chosen
    assert chosen[0] is asked


def test_the_choice_is_the_same_for_the_same_seed():
    every = candidates(SETTING, (), each_costs(1), (0, 1), ())
    first = choose(every, each_costs(1), 5, 1e9, (), 7)
    again = choose(every, each_costs(1), 5, 1e9, (), 7)
    assert first == again
    assert set(first.weights) == {c.name for c in every}


def test_different_seeds_ask_different_questions():
    every = candidates(SETTING, (), each_costs(1), (0, 1), ())
    chosen = {
        tuple(c.name for c in choose(every, each_costs(1), 3, 1e9, (), seed).chosen)
        for seed in range(12)
    }
    assert len(chosen) > 3


@pytest.mark.parametrize(
    ("other", "ruling", "family", "direction"),
    [
        ("tuned_arithmetic", "supported", "composition", 1),
        ("tuned_arithmetic", "refuted", "composition", -1),
        ("tuned_arithmetic", "inconclusive", "composition", 0),
        ("retention", "refuted", "keeping", 1),
        ("retention", "supported", "keeping", -1),
    ],
)
def test_findings_move_the_beliefs_of_linked_families(other, ruling, family, direction):
    families = all_families()
    before = beliefs(families, ())[family]
    after = beliefs(families, [known(other, ruling)])[family]
    moved = after[0] / sum(after) - before[0] / sum(before)
    assert (moved > 0) - (moved < 0) == direction


def test_asked_families_come_back_only_as_follow_ups():
    found = candidates(SETTING, (known("layer_swap", "supported"),), each_costs(1), (0,), (9,))
    mine = [c for c in found if c.family == "layer_swap"]
    assert {c.relation for c in mine} == {"ablate", "generalise", "replicate"}
    assert {c.seeds for c in mine if c.relation == "replicate"} == {(9,)}
    assert all(c.parent == "layer_swap" for c in mine)


def test_without_fresh_seeds_nothing_is_replicated():
    found = candidates(SETTING, (known("layer_swap", "supported"),), each_costs(1), (0,), ())
    assert "replicate" not in {c.relation for c in found}


def test_hypotheses_whose_data_were_seen_are_not_asked():
    def seen(arms, seeds):
        return 0.0 if {a.name for a in arms} <= {"evolved", "random-search"} else 5.0

    found = candidates(SETTING, (known("composition", "supported"),), seen, (0,), (9,))
    assert "guided_search" not in {c.name for c in found}
    assert "interference" in {c.name for c in found}


def test_a_follow_up_is_not_followed_up_again():
    found = candidates(
        SETTING, (known("layer_swap", "supported", "ablate"),), each_costs(1), (0,), (9,)
    )
    assert not [c for c in found if c.family == "layer_swap" and c.relation]


def test_why_nothing_is_asked_tells_an_empty_purse_from_an_empty_list():
    broke = choose([candidate("open", "a", "b")], each_costs(10), 3, 1.0, (), 0)
    assert "budget" in _nothing_left(broke)
    assert "budget" not in _nothing_left(choose([], each_costs(10), 3, 1e9, (), 0))
