import pytest

from agent.minds.playbook.arms import with_permanent
from agent.minds.playbook.family import Setting, all_families, find_family
from agent.minds.playbook.followups import FOLLOW_UPS, lower
from agent.own_code import FAMILIES as OF_KINDS
from sandbox.errors import UnknownName
from tests.agent.family_checks import (
    check_freezable,
    check_meaning,
    check_names,
    check_prose,
    line_of,
)
from tools.merging.miniature import Miniature

SUBJECT = Miniature("quick")
SETTING = Setting(SUBJECT, 40)
OWN = OF_KINDS["merge_method"]
"""Of methods that are not built in: see test_own_methods_topic.py."""
FAMILIES = sorted(all_families("merging").keys() - set(OWN))
RELATIONS = [("", name) for name in FAMILIES] + [(r, n) for r in FOLLOW_UPS for n in FAMILIES]


def idea(relation, name):
    found = find_family(name).think(SETTING)
    if found is not None and relation:
        found = FOLLOW_UPS[relation](found, SETTING)
    return found and with_permanent(found, SETTING)


def test_there_are_enough_families():
    assert len(FAMILIES) >= 10


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_experiment_of_a_family_can_be_frozen_and_decided(relation, name):
    found = idea(relation, name)
    if found is None:
        assert relation in ("ablate", "generalise")
        return
    check_freezable([line_of(found, name, relation)], SUBJECT)


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_prose_of_a_family_holds_no_numbers_and_cites_known_works(relation, name):
    found = idea(relation, name)
    if found is None:
        return
    check_prose(found)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_what_each_ruling_would_mean(name):
    check_meaning(name, FAMILIES)


def test_an_arm_name_stands_for_one_call_in_all_families():
    found = (idea(relation, name) for relation, name in RELATIONS)
    check_names(arm for one in found if one for arm in one.arms)


def test_a_name_keeps_its_capital_after_a_colon():
    said = {"DeltaNet recalls": "DeltaNet recalls", "TIES helps": "TIES helps", "A gate": "a gate"}
    assert {sentence: lower(sentence) for sentence in said} == said


def test_an_unknown_family_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="composition"):
        find_family("alchemy")
