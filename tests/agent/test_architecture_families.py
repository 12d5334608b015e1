"""Families about architectures: each gives a plan that freezes, trains and compares fairly."""

import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from agent.minds.mind import Known
from agent.minds.playbook.choose import Candidate, all_or_none, candidates
from agent.minds.playbook.family import Setting, all_families, find_family, gates, is_gate
from agent.minds.playbook.relations import FOLLOW_UPS, may_follow
from tests.agent.family_checks import (
    SEEDS,
    check_freezable,
    check_meaning,
    check_names,
    check_prose,
    counted,
    frozen,
    line_of,
)
from tools.architectures.architecture import Architecture
from tools.architectures.subject import PROMOTION, ArchitectureSuite
from tools.tool import find_tool

SUBJECT = ArchitectureSuite("quick")
SETTING = Setting(SUBJECT, 40)
ALL = all_families("architectures")
FAMILIES = [name for name, family in sorted(ALL.items()) if family.think(SETTING) is not None]
"""Those that have a question about the default tasks; the others have tests of their own."""
WON = replace(SETTING, winners=tuple(name for name in FAMILIES if not ALL[name].gate))
BY_MOVES = ("ablate", "cross", "mutate")
"""Relations that look for an architecture that fits, and that not every treatment has."""
NOT_ALWAYS = (*BY_MOVES, "debug", "improve")
"""Relations that not every question has: nothing in trouble is mended, no search is pushed."""
ASKED = [
    (relation, name)
    for relation in ("", *FOLLOW_UPS["architectures"])
    for name in FAMILIES
    if not (relation and ALL[name].gate)
]
RELATIONS = [
    pytest.param(*asked, marks=[pytest.mark.slow] if asked[0] in BY_MOVES else [])
    for asked in ASKED
]
SEARCHES = {"evolution", "found_or_made"}
"""What they train is not named, but found."""
SMALLER_TREATMENT = {"shared_keys", "long_convolution"}
"""Their claim is that less suffices, or is the better."""
SAME_ARCHITECTURE = {"muon", "int8_weights", "pruned_weights", "multi_token", "distillation"}
"""Their claim is about how it is trained, or what is made of it once it is trained."""
ONE_TASK = {"multi_token"}
"""No other task of the default suite can be learned so."""
GROWN = {"depth_upscaling"}
"""Their treatment names what it starts from; tests/agent/test_taught_families.py compares sizes."""


@cache
def idea(relation, name, at=WON):
    found = find_family(name).think(at)
    return FOLLOW_UPS["architectures"][relation](found, at) if found and relation else found


def known(name, ruling):
    return Known(line_of(idea("", name), name), None, None, ruling)


@cache
def won():
    return tuple(known(name, "supported") for name in WON.winners)


def standing(lines):
    """What a request for the plans of these hypotheses tells of the run."""
    gate = frozenset(line.id for line in lines if is_gate(line, SUBJECT.domain))
    return {"known": won(), "gate": gate}


def planned(lines, folder):
    return frozen(lines, SUBJECT, folder, **standing(lines))


def each_costs(amount):
    return lambda arms, seeds: amount * len(arms) * len(seeds)


def test_there_are_enough_families_beside_the_gate():
    assert len(FAMILIES) - len(gates("architectures")) >= 12
    assert set(gates("architectures")) < set(FAMILIES)
    assert gates("merging") == ()


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_experiment_of_a_family_can_be_frozen_and_decided(relation, name):
    found = idea(relation, name)
    if found is None:
        assert relation in NOT_ALWAYS or name in ONE_TASK
        return
    lines = [line_of(found, name, relation)]
    check_freezable(lines, SUBJECT, **standing(lines))


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_all_arms_train_alike(relation, name):
    found = idea(relation, name)
    calls = [find_tool(arm.tool).normal(arm.arguments) for arm in found.arms] if found else []
    for one, other in pairwise(calls):
        shared = ("task", "size", "changes", "rates", "steps", "batch", "weight_decay")
        assert all(one[field] == other[field] for field in shared)
        assert named(one) != named(other) or name in SAME_ARCHITECTURE | SEARCHES
    assert all(len(call["rates"]) >= 3 for call in calls)
    assert {call["task"] for call in calls} <= set(found.tasks if found else ()) | {SUBJECT.primary}


def named(call):
    """What a call trains or starts from."""
    return call.get("architecture") or call["start"]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["quick", "standard", "long"])
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in SEARCHES | GROWN])
def test_the_sides_of_a_claim_about_a_mechanism_have_equally_many_parameters(name, size):
    at = Setting(ArchitectureSuite(size), 40)
    found = find_family(name).think(at)
    for task in ("mqar", "compression"):
        [treatment], [control] = found.treatment, found.control
        counts = counted(treatment, task=task), counted(control, task=task)
        if name in SMALLER_TREATMENT:
            assert counts[0] < counts[1]
        else:
            assert max(counts) <= 1.05 * min(counts), (task, counts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["delta_rule", "vector_decay"])
def test_rules_of_writing_and_of_forgetting_are_compared_at_equal_states(name):
    """A sum of weights beside the memory is all that the control has more."""
    [treatment], [control] = idea("", name).treatment, idea("", name).control
    states = counted(treatment, "state"), counted(control, "state")
    assert states[0] <= states[1] <= 1.06 * states[0]


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_prose_of_a_family_holds_no_numbers_and_cites_known_works(relation, name):
    found = idea(relation, name)
    if found is None:
        return
    check_prose(found)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_family_says_what_each_ruling_would_mean(name):
    check_meaning(name, ALL)


@pytest.mark.slow
def test_an_arm_name_stands_for_one_call_and_a_call_has_one_name():
    found = (idea(relation, name) for relation, name in ASKED)
    check_names(arm for one in found if one for arm in one.arms)


def test_arms_by_time_have_equal_seconds_and_more_of_them_where_they_are_pushed():
    found, pushed = idea("", "equal_time"), idea("improve", "equal_time")
    usual, twice = ({arm.arguments["seconds"] for arm in one.arms} for one in (found, pushed))
    assert usual == {6.0} and twice == {12.0}
    estimates = [find_tool(arm.tool).cost_s(arm.arguments) for arm in found.arms]
    assert estimates == [3 * 6.0] * 2
    assert "seconds" not in idea("improve", "window").arms[0].arguments


@pytest.mark.parametrize("name", ["library_attention", "library_ssd"])
def test_a_row_by_the_library_is_asked_only_where_each_position_answers(name):
    found = idea("", name)
    assert ["family" in arm.arguments["architecture"] for arm in found.arms] == [False, True]
    at_the_end = ArchitectureSuite("quick", ("compression", "mqar"))
    assert find_family(name).think(Setting(at_the_end, 40)) is None
    moved = Setting(ArchitectureSuite("quick", ("mqar", "compression", "noisy_recall")), 40)
    assert idea("generalise", name, moved).tasks == ("noisy_recall",)


def test_the_prediction_is_what_the_test_asks_for():
    for name in FAMILIES:
        found = find_family(name).think(SETTING)
        margin = float(re.search(r"-?\d\.\d+", found.prediction.split(" accuracy")[0])[0])
        assert margin == found.predicted_effect
        assert found.null_effect == min(0.0, found.predicted_effect)
        assert f"{found.predicted_effect:.2f}" in found.refuted_by


def test_the_gate_is_asked_alone_and_before_all_others():
    first = candidates(SETTING, (), each_costs(1), SEEDS, ())
    assert {c.family for c in first} == set(gates("architectures"))
    asked = tuple(known(name, "supported") for name in gates("architectures"))
    after = candidates(SETTING, asked, each_costs(1), SEEDS, (99,))
    assert {c.family for c in after} == set(FAMILIES) - set(gates("architectures"))
    assert not [c for c in after if c.relation]


def test_a_gate_that_the_budget_cannot_pay_in_full_is_not_asked_in_part():
    parts = candidates(SETTING, (), each_costs(1), SEEDS, ())
    arms = {arm.name for part in parts for arm in part.idea.arms}
    price = each_costs(1)
    enough = len(arms) * len(SEEDS)
    assert len(all_or_none(parts, price, 4, enough, 0).chosen) == 4
    assert all_or_none(parts, price, 4, enough - 1, 0).chosen == ()
    assert all_or_none(parts, price, 3, enough, 0).chosen == ()
    assert all_or_none(parts, price, 4, enough - 1, 0).weights


def test_only_winners_are_promoted_and_only_there_is_the_task_held_back_asked():
    gate_asked = tuple(known(name, "supported") for name in gates("architectures"))
    for ruling in ("supported", "refuted", "inconclusive"):
        found = candidates(
            SETTING, (*gate_asked, known("window", ruling)), each_costs(1), SEEDS, (99,)
        )
        mine = {c.relation: c for c in found if c.family == "window" and c.relation}
        assert ("promote" in mine) == (ruling == "supported")
        for candidate in found:
            tasks = {str(arm.arguments["task"]) for arm in candidate.idea.arms}
            assert (PROMOTION in tasks) == (candidate.relation == "promote")
        assert {"generalise", "replicate"} <= set(mine)
        assert mine["generalise"].idea.tasks == ("selective_copy",)
    assert not may_follow("replicate", "")


def test_every_candidate_is_one_of_the_subjects_domain():
    assert all(isinstance(c, Candidate) for c in candidates(SETTING, (), each_costs(1), SEEDS, ()))
    bodies = [
        Architecture.model_validate(arm.arguments["architecture"])
        for name in FAMILIES
        for arm in find_family(name).think(SETTING).arms
        if "layers" in arm.arguments.get("architecture", {})
    ]
    assert all(body.checked().causal for body in bodies)
