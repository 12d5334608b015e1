import re

import pytest

from agent.minds.mind import DesignRequest
from agent.minds.playbook.arms import with_permanent
from agent.minds.playbook.family import Setting, all_families, find_family
from agent.minds.playbook.followups import FOLLOW_UPS, lower
from agent.minds.playbook.playbook import Playbook
from papers.value import _WORDS
from sandbox.errors import UnknownName
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine
from tools.freeze import freeze
from tools.literature.library import Library
from tools.merging.miniature import Miniature

FAMILIES = sorted(all_families("merging"))
SUBJECT = Miniature("quick")
SETTING = Setting(SUBJECT, 40)
RELATIONS = [("", name) for name in FAMILIES] + [(r, n) for r in FOLLOW_UPS for n in FAMILIES]


def idea(relation, name):
    found = find_family(name).think(SETTING)
    if found is not None and relation:
        found = FOLLOW_UPS[relation](found, SETTING)
    return found and with_permanent(found, SETTING)


def test_there_are_enough_families():
    assert len(FAMILIES) >= 10


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_experiment_of_a_family_can_be_frozen_and_decided(relation, name, tmp_path):
    found = idea(relation, name)
    if found is None:
        assert relation in ("ablate", "generalise")
        return
    line = HypothesisLine(
        id="h",
        family=name,
        title=found.title,
        statement=found.statement,
        rationale=found.rationale,
        prediction=found.prediction,
        refuted_by=found.refuted_by,
        round=1,
        relation=relation,
    )
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(line)
    request = DesignRequest((line,), SUBJECT, (), tuple(range(8)), (8, 9), 40, 0.05, 8, {})
    if relation == "replicate":
        request = DesignRequest((line,), SUBJECT, (), (0,), tuple(range(8)), 40, 0.05, 8, {})
    [plan] = Playbook().design(request).experiments
    freeze(plan, SUBJECT, ledger, tmp_path)
    assert plan.test.predicted_effect >= plan.test.null_effect


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_prose_of_a_family_holds_no_numbers_and_cites_known_works(relation, name):
    found = idea(relation, name)
    if found is None:
        return
    prose = " ".join((found.title, found.statement, found.rationale))
    spoken = re.sub(r"\{\{.*?\}\}", "", prose)
    assert not re.search(r"\d", spoken)
    assert not {w.lower() for w in re.findall(r"[A-Za-z]+", spoken)} & set(_WORDS)
    cited = set(re.findall(r"[\w]+", " ".join(re.findall(r"\{\{citep?:(.*?)\}\}", prose))))
    assert cited == set(found.cites) <= set(Library.embedded().keys())
    assert re.search(r"\d", found.prediction)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_what_each_ruling_would_mean(name):
    meaning = find_family(name).meaning
    assert set(meaning) == {"supported", "refuted", "inconclusive"}
    assert not any(re.search(r"\d", text) for text in meaning.values())
    assert set(find_family(name).links) <= set(FAMILIES) - {name}


def test_an_arm_name_stands_for_one_call_in_all_families():
    calls = {}
    for relation, name in RELATIONS:
        found = idea(relation, name)
        for arm in found.arms if found else ():
            call = (arm.tool, repr(sorted(arm.arguments.items())))
            assert calls.setdefault(arm.name, call) == call


def test_a_name_keeps_its_capital_after_a_colon():
    said = {"DeltaNet recalls": "DeltaNet recalls", "TIES helps": "TIES helps", "A gate": "a gate"}
    assert {sentence: lower(sentence) for sentence in said} == said


def test_an_unknown_family_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="composition"):
        find_family("alchemy")
