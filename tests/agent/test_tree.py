"""The tree of hypotheses: what follows from a node, by its ruling and by how its trials ended."""

from dataclasses import replace

import pytest

from agent.minds.mind import DesignRequest, Known
from agent.minds.playbook import arms
from agent.minds.playbook.arms import with_permanent
from agent.minds.playbook.choose import candidates, choose
from agent.minds.playbook.effort import TWICE, given
from agent.minds.playbook.family import Setting, all_families, find_family
from agent.minds.playbook.playbook import Playbook, idea_of, setting
from agent.minds.playbook.relations import FOLLOW_UPS, worth
from agent.minds.playbook.tree import belief_after, growth, nodes, paths
from agent.troubles import troubles
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, TrialLine
from tests.agent.family_checks import check_names, check_prose, frozen, line_of
from tools.architectures.subject import ArchitectureSuite
from tools.experiment import Experiment, PairedTest
from tools.merging.miniature import Miniature
from tools.tool import find_tool

MERGING = Setting(Miniature("quick"), 40)
ARCHITECTURES = Setting(ArchitectureSuite("quick"), 40)
SEEDS = tuple(range(8))


def price(arms, seeds):
    return 10.0 * len(arms) * len(seeds)


def in_trouble(at, family, why):
    idea = find_family(family).think(at)
    return replace(at, troubled=tuple((arm.name, why) for arm in idea.arms))


def asked(relation, family, at):
    return FOLLOW_UPS[at.domain][relation](find_family(family).think(at), at)


def compared(effect):
    return ComparisonLine(
        id="c", experiment="e", hypothesis="h", metric="accuracy", treatment="a", control="b",
        seeds=(1,), pairs=1, treatment_mean=1.0, control_mean=0.5, differences=(effect,),
        effect=effect, low=effect, high=effect, null_effect=0.0, predicted_effect=0.1,
        p_support=0.5, p_refute=0.5, evidence=(),
    )  # fmt: skip


def past(family, ruling="supported", at=MERGING, comparison=None, **troubles):
    line = line_of(find_family(family).think(at), family)
    return Known(line, None, comparison, ruling, troubles)


@pytest.mark.parametrize(
    ("relation", "family", "why"),
    [
        ("improve", "composition", ""),
        ("improve", "few_labels", ""),
        ("improve", "against_finetuning", ""),
        ("debug", "composition", "time"),
        ("debug", "against_finetuning", "time"),
    ],
)
def test_a_merge_is_pushed_and_mended_with_its_baselines_alike(relation, family, why, tmp_path):
    at = in_trouble(MERGING, family, why) if why else MERGING
    idea = with_permanent(asked(relation, family, at), at)
    check_prose(idea)
    searches = [arm for arm in idea.arms if arm.tool == "search"]
    assert {arm.arguments["evaluations"] for arm in searches} == {80 if not why else 20}
    line = line_of(idea, family, relation)
    troubled = Known(
        line_of(find_family(family).think(at), family), None, None, "", dict(at.troubled)
    )
    frozen([line], MERGING.subject, tmp_path, known=(troubled,))


def test_two_supported_merges_are_crossed_where_what_they_change_does_not_conflict(tmp_path):
    at = replace(MERGING, winners=("interference", "component_roles", "label_free", "layer_swap"))
    one, other = asked("cross", "interference", at), asked("cross", "component_roles", at)
    assert one.title == other.title
    assert one.treatment == other.treatment
    call = one.treatment[0].arguments
    assert call["method"] == "ties"
    assert call["components"]["attention"] == {"skill": 1.0, "language": 0.0}
    assert {arm.name for arm in one.control} == {"ties", "attention-skill-mlp-language"}
    check_prose(one)
    won = tuple(past(name) for name in at.winners)
    frozen([line_of(one, "interference", "cross")], MERGING.subject, tmp_path, known=won)
    assert asked("cross", "layer_swap", at) is None
    assert asked("cross", "label_free", at) is None
    assert asked("cross", "interference", replace(at, winners=("interference",))) is None


def test_two_searches_are_crossed_within_one_budget():
    at = replace(MERGING, winners=("keeping", "few_labels"))
    child = asked("cross", "keeping", at).treatment[0]
    assert child.arguments["keep"]
    assert (child.arguments["groups"], child.arguments["dev_items"]) == ("component", arms.FEW)


@pytest.mark.parametrize("at", [MERGING, ARCHITECTURES], ids=["merging", "architectures"])
def test_a_name_stands_for_one_call_among_all_that_is_pushed_mended_and_crossed(at):
    families = [name for name, family in all_families(at.domain).items() if not family.gate]
    at = replace(at, winners=tuple(families) if at.domain == "merging" else ())
    made = []
    for name in families:
        idea = find_family(name).think(at)
        if idea is None:
            continue
        for why in ("time", "memory", "diverged"):
            made += [FOLLOW_UPS[at.domain]["debug"](idea, in_trouble(at, name, why))]
        relations = ("improve", "cross") if at.domain == "merging" else ("improve",)
        made += [idea, *(FOLLOW_UPS[at.domain][relation](idea, at) for relation in relations)]
    ideas = [with_permanent(idea, at) for idea in made if idea is not None]
    assert len(ideas) > len(families)
    check_names(arm for idea in ideas for arm in idea.arms)
    for idea in ideas:
        check_prose(idea)


@pytest.mark.parametrize(
    ("why", "changed", "factor"),
    [("diverged", "rates", 0.3), ("memory", "batch", 0.5), ("time", "steps", 0.5)],
)
def test_an_architecture_is_mended_by_its_trouble_on_both_sides(why, changed, factor):
    first = find_family("delta_rule").think(ARCHITECTURES)
    mended = asked("debug", "delta_rule", in_trouble(ARCHITECTURES, "delta_rule", why))
    for before, after in zip(
        (*first.treatment, *first.control), (*mended.treatment, *mended.control), strict=True
    ):
        was, now = (find_tool(arm.tool).normal(arm.arguments) for arm in (before, after))
        assert {name for name in was if was[name] != now[name]} == {changed}
        many = (
            (was[changed], now[changed]) if changed == "rates" else ([was[changed]], [now[changed]])
        )
        assert all(b == pytest.approx(factor * a) for a, b in zip(*many, strict=True))


def test_what_has_no_effort_is_not_pushed_and_what_is_not_in_trouble_is_not_mended():
    assert asked("improve", "layer_swap", MERGING) is None
    assert asked("improve", "evolution", ARCHITECTURES) is None
    assert asked("debug", "composition", MERGING) is None
    assert asked("debug", "composition", in_trouble(MERGING, "composition", "memory")) is None
    assert given(find_family("interference").think(MERGING), TWICE) is None


def test_a_near_miss_is_pushed_further_and_a_clear_miss_is_not():
    assert worth("improve", past("composition", "supported"))
    assert worth("improve", past("composition", "inconclusive", comparison=compared(0.05)))
    assert not worth("improve", past("composition", "inconclusive", comparison=compared(-0.05)))
    assert not worth("improve", past("composition", "refuted", comparison=compared(0.01)))


def test_only_what_could_not_be_measured_or_diverged_is_mended():
    assert worth("debug", past("composition", "", evolved="time"))
    assert worth("debug", past("composition", "refuted", evolved="diverged"))
    assert not worth("debug", past("composition", "refuted", evolved="time"))
    assert not worth("debug", past("composition", ""))
    assert not worth("replicate", past("composition", ""))


def test_a_node_is_worth_what_its_ruling_leaves_open():
    yes, no = belief_after("supported", "replicate"), belief_after("refuted", "replicate")
    assert yes[0] > yes[1]
    assert no[0] < no[1]
    assert belief_after("inconclusive", "improve") == belief_after("", "debug") == (1.0, 1.0)


def test_an_unmeasured_question_grows_nothing_but_its_mended_self():
    failed = past("composition", "", evolved="time")
    at = replace(MERGING, troubled=(("evolved", "time"),))
    found = candidates(at, (failed,), price, SEEDS, (99,))
    mine = [c for c in found if c.family == "composition"]
    assert [c.name for c in mine] == ["composition/debug"]
    assert mine[0].parent == failed.hypothesis.id


def test_the_tree_grows_on_from_what_was_mended_and_an_idea_is_thought_of_again(tmp_path):
    first = past("composition", "", evolved="time")
    request = DesignRequest(
        hypotheses=(), subject=MERGING.subject, known=(first,), seeds=SEEDS, fresh=(20, 21),
        evaluations=40, alpha=0.05, family_size=8, refusals={},
    )  # fmt: skip
    at = setting(request)
    mended = next(c for c in candidates(at, (first,), price, SEEDS, (99,)) if c.relation)
    line = line_of(mended.idea, "composition", "debug").model_copy(
        update={"id": "second", "parent": first.hypothesis.id}
    )
    known = (first, Known(line, None, None, "supported"))
    at = setting(replace(request, known=known))
    after = {c.name: c for c in candidates(at, known, price, SEEDS, (99,))}
    again = after["composition/debug/replicate"]
    assert again.parent == "second"
    assert again.idea.treatment[0].name == "evolved-half"
    third = line_of(again.idea, "composition", "replicate").model_copy(update={"parent": "second"})
    assert idea_of(third, at) == again.idea
    assert paths([first.hypothesis, line])["second"] == ("debug",)
    plans = Playbook().design(replace(request, known=known, hypotheses=(line, third))).experiments
    assert [plan.seeds for plan in plans] == [SEEDS, (20, 21)]
    assert plans[0].arms == plans[1].arms


def test_a_branch_ends_where_nothing_may_follow():
    first = past("layer_swap")
    line = first.hypothesis.model_copy(
        update={"id": "second", "parent": first.hypothesis.id, "relation": "replicate"}
    )
    known = (first, Known(line, None, None, "supported"))
    grown = list(nodes(all_families("merging"), MERGING, known))
    assert [node.name for node in grown] == ["layer_swap"]
    assert {relation for relation, _ in growth(grown[0], MERGING)} == {
        "ablate", "generalise", "replicate",
    }  # fmt: skip


def test_several_branches_grow_in_one_round():
    known = (past("layer_swap"), past("composition"), past("interference", "refuted"))
    chosen = choose(candidates(MERGING, known, price, SEEDS, (99,)), price, 8, 1e9, (), 3).chosen
    assert len({c.family for c in chosen}) > 2
    assert len({c.parent for c in chosen if c.parent}) > 1


def test_what_kept_an_arm_from_a_fair_result_is_read_from_its_trials(tmp_path):
    idea = find_family("composition").think(MERGING)
    treatment, control = idea.sides("largest.ko")
    test = PairedTest(treatment=treatment, control=control, predicted_effect=0.1, family_size=1)
    plan = Experiment(
        hypothesis="h", subject="miniature", arms=idea.arms, seeds=(1, 2, 3), test=test
    )
    ledger = Ledger(tmp_path / "ledger.jsonl")

    def end(arm, seed, status="ok", limit=""):
        made = plan.arm(arm)
        normal = find_tool(made.tool).normal(made.arguments)
        id = f"{arm}-{seed}"
        ledger.append(
            TrialLine(
                id=id,
                tool=made.tool,
                arm=arm,
                arguments=normal,
                seed=seed,
                status=status,
                limit=limit,
                wall_s=1.0,
                cpu_s=1.0,
                memory_peak_bytes=1,
                isolation="process",
                code_digest="c",
                data_digest="d",
            )
        )
        return id

    end("evolved", 1, "killed", "cpu")
    assert troubles(ledger, plan) == {}
    end("evolved", 2, "killed", "wall")
    end("evolved", 9, "killed", "memory")
    assert troubles(ledger, plan) == {"evolved": "time"}
    for seed in (1, 2):
        id = end("model-skill", seed)
        ledger.append(
            EvidenceLine(
                id=id,
                metric="diverged",
                task="t",
                split="dev",
                value=1.0,
                unit="fraction",
                items=1,
                arm="model-skill",
                seed=seed,
                trial=id,
                code_digest="c",
                data_digest="d",
            )
        )
    assert troubles(ledger, plan) == {"evolved": "time", "model-skill": "diverged"}
    end("evolved", 3, "killed", "cancelled")
    assert troubles(ledger, plan)["evolved"] == "time"
