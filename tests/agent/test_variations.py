"""Follow-ups by the grammar's moves: equal sizes, unique names, chance from the seed alone."""

from dataclasses import replace

import pytest

from agent.minds.mind import Known
from agent.minds.playbook.architectures import searches, variations, wording
from agent.minds.playbook.architectures.relatives import _parameters, body_of
from agent.minds.playbook.choose import candidates, choose
from agent.minds.playbook.family import Setting, all_families, find_family, gates
from agent.minds.playbook.playbook import idea_of
from agent.minds.playbook.relations import FOLLOW_UPS
from sandbox.records import HypothesisLine
from tools.architectures.architecture import Architecture
from tools.architectures.subject import ArchitectureSuite
from tools.baselines import missing_baselines
from tools.experiment import Experiment, PairedTest

AT = Setting(ArchitectureSuite("quick"), 40, seed=20)
WINNERS = tuple(name for name in all_families("architectures") if name not in gates(AT.domain))
WON = replace(AT, winners=WINNERS)
MOVES = ("ablate", "cross", "mutate")
SEEDS = tuple(range(20, 28))


def asked(relation, name, at=WON):
    first = find_family(name).think(at)
    return FOLLOW_UPS["architectures"][relation](first, at) if first is not None else None


def costs(arms, seeds):
    """DeltaNet's question was measured; other trials take ten seconds."""
    paid = {arm.name for arm in find_family("delta_rule").think(AT).arms}
    return 10.0 * len({arm.name for arm in arms} - paid) * len(seeds)


def known(name, ruling="supported"):
    idea = find_family(name).think(AT)
    said = {"statement": "s", "rationale": "r", "prediction": "p", "refuted_by": "f"}
    line = HypothesisLine(id=name, family=name, title=idea.title, round=1, **said)
    return Known(line, None, None, ruling)


@pytest.mark.slow
@pytest.mark.parametrize("relation", MOVES)
def test_what_is_compared_has_equally_many_parameters(relation):
    found = [idea for name in WINNERS if (idea := asked(relation, name))]
    assert len(found) >= 12
    for idea in found:
        counts = [_parameters(arm) for arm in idea.arms if body_of(arm) is not None]
        assert not counts or max(counts) <= 1.06 * min(counts), idea.title


@pytest.mark.slow
def test_an_ablation_takes_first_what_the_control_has_not_either():
    assert asked("ablate", "looped").title.startswith("Ablation: taking the repeated pass")
    assert asked("ablate", "channel_mixer").control[0].name == "attention"
    positions = asked("ablate", "short_convolution")
    assert "the positions of softmax attention" in positions.title
    assert positions.control[0].name != find_family("short_convolution").think(AT).control[0].name


@pytest.mark.slow
def test_chance_follows_from_the_runs_seed():
    names = ("delta_rule", "gated_delta", "differential")
    first, again = ([asked("mutate", name) for name in names] for _ in range(2))
    assert first == again
    other = [asked("mutate", name, replace(WON, seed=52)) for name in names]
    assert [idea.treatment for idea in other] != [idea.treatment for idea in first]


@pytest.mark.slow
def test_two_winners_are_crossed_once_and_against_the_better_of_both():
    pair = ("gated_delta", "generalised_delta")
    one, other = (asked("cross", name, replace(AT, winners=pair)) for name in pair)
    assert one.title == other.title
    assert one.treatment == other.treatment
    assert {arm.name for arm in one.control} == {"gated-delta-net", "rwkv"}
    assert asked("cross", pair[0], replace(AT, winners=pair[:1])) is None


@pytest.mark.slow
def test_only_what_was_supported_is_varied_and_thompson_sampling_decides_when():
    gate = tuple(known(name) for name in gates(AT.domain))
    at = replace(AT, winners=("delta_rule",))
    for ruling in ("supported", "refuted"):
        open_ = candidates(at, (*gate, known("delta_rule", ruling)), costs, SEEDS, (99,))
        mine = {c.relation: c for c in open_ if c.family == "delta_rule"}
        assert ({"mutate"} <= set(mine)) == (ruling == "supported")
        assert mine["ablate"].belief == (1.0, 1.0)
    won = candidates(at, (*gate, known("delta_rule")), costs, SEEDS, (99,))
    picks = [choose(won, costs, 3, 1e9, (), seed).chosen for seed in range(60)]
    assert any(c.relation == "mutate" for chosen in picks for c in chosen)
    assert picks[7] == choose(won, costs, 3, 1e9, (), 7).chosen


@pytest.mark.slow
def test_a_recorded_variation_is_thought_of_again():
    idea = asked("mutate", "delta_rule", AT)
    line = known("delta_rule").hypothesis.model_copy(update={"relation": "mutate"})
    assert idea_of(line, AT) == idea


def test_a_search_that_claims_to_be_better_needs_random_search_and_the_hand_made():
    idea = find_family("evolution").think(AT)
    bare = planned(idea, idea.arms)
    assert len(missing_baselines(bare, AT.subject)) == 3
    whole = planned(idea, (*idea.arms, *searches.hand_made(AT)))
    assert missing_baselines(whole, AT.subject) == []
    cheaper = [
        arm.model_copy(update={"arguments": {**arm.arguments, "evaluations": 3}})
        if arm.name == "random-architecture"
        else arm
        for arm in whole.arms
    ]
    assert missing_baselines(planned(idea, tuple(cheaper)), AT.subject) == [
        "a random search of the same budget"
    ]
    keeps_up = find_family("found_or_made").think(AT)
    assert missing_baselines(planned(keeps_up, keeps_up.arms), AT.subject) == []


def planned(idea, arms):
    treatment, control = idea.sides("mqar")
    test = PairedTest(
        treatment=treatment,
        control=control,
        null_effect=idea.null_effect,
        predicted_effect=idea.predicted_effect,
        family_size=8,
    )
    return Experiment(hypothesis="h", subject="architectures", arms=arms, seeds=SEEDS, test=test)


def test_a_search_is_ablated_without_its_surrogate_and_promoted_with_what_it_found():
    first = find_family("evolution").think(AT)
    lesser = variations.ablate(first, AT)
    assert lesser.control[0].arguments["proposals"] == 1
    assert lesser.treatment == first.treatment
    moved = FOLLOW_UPS["architectures"]["promote"](first, AT)
    for arm in (*moved.treatment, *moved.control):
        assert arm.arguments["task"] == "multi_hop_recall"
        assert arm.arguments["search_task"] == "mqar"


def test_changes_are_told_without_digits():
    one = Architecture.model_validate(
        {"layers": [{"mixer": {"block": "retention"}}, {"mixer": {"block": "rwkv"}}]}
    )
    swapped = one.model_copy(update={"layers": one.layers[::-1]})
    assert wording.change(one, swapped) == "its layers in another order"
    assert wording.change(one, one.model_copy(update={"loops": 2})) == "a repeated pass"
    assert wording.change(one, one.model_copy(update={"width": 96})) == ""
    longer = one.model_copy(update={"layers": (*one.layers, one.layers[0])})
    assert wording.change(one, longer) == "a further layer"
    assert wording.part("layer 2", 2) == "the last layer"
    assert wording.part("layer 2", 3) == ""
    assert wording.part("qk_norm of softmax_attention", 2) == (
        "the norms of queries and keys of softmax attention"
    )
