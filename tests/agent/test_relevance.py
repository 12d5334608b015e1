"""What a question speaks of: the families that it asks for, its domain, the tasks it needs."""

import pytest

from agent.budget import NO_ANSWER
from agent.minds.mind import ProposeRequest
from agent.minds.playbook.family import Setting
from agent.minds.playbook.playbook import Playbook
from agent.minds.playbook.relevance import relevance
from agent.minds.playbook.scope import FURTHER, domain_of, tasks_for
from agent.topic import read_topic, settled, subject_of, topic_from
from tools.architectures.subject import TASKS, ArchitectureSuite
from tools.merging.miniature import Miniature

ARCHITECTURES = Setting(ArchitectureSuite("quick", (*TASKS, *FURTHER)), 60)
MERGING = Setting(Miniature("quick"), 60)
ASKED = {
    "Does a continuous thought machine need its synchronisation?": "synchronisation",
    "Does RWKV keep up with DeltaNet?": "generalised_delta",
    "Is a constant state such as that of SSD enough?": "constant_state",
    "Does gated DeltaNet recall more than DeltaNet?": "gated_delta",
    "Is grouped differential attention as good as differential attention?": "grouped_differential",
    "Does PolyNorm learn more than SwiGLU?": "poly_norm",
    "Is a mixture of experts (MoE) worth it?": "routed_experts",
    "Does LLaDA, a masked diffusion model, write faster?": "masked_diffusion_speed",
    "Is block diffusion four to five times faster?": "block_diffusion_speed",
    "Can domain teachers be distilled into routed experts?": "distilled_experts",
    "Does depth up-scaling beat training from scratch?": "depth_upscaling",
    "Should a world model predict in latent space?": "latent_prediction",
    "Which models write faster after a long text?": "recurrent_decoding",
}


@pytest.mark.parametrize(("question", "family"), ASKED.items())
def test_the_family_that_a_question_names_is_among_those_asked_for(question, family):
    found = relevance(question, ARCHITECTURES)
    assert family in found.asked
    assert domain_of(question) == "architectures"


@pytest.mark.parametrize("question", ["", "Which is the best?", "?!", 'a "quoted OR * question'])
def test_a_question_that_names_no_matter_asks_for_no_family(question):
    found = relevance(question, ARCHITECTURES)
    assert found.asked == ()
    assert found.near("muon") == 0.0
    assert domain_of(question) == "merging"


def test_nearness_is_a_share_of_the_best_score():
    found = relevance("Does Muon learn more than AdamW?", ARCHITECTURES)
    assert found.near(found.asked[0]) == 1.0
    assert all(0.0 <= found.near(name) <= 1.0 for name in found.scores)
    assert found.near("no such family") == 0.0


def test_a_question_about_merging_is_not_taken_for_one_about_architectures():
    for question in (
        "Can a merge have a skill that neither of its parents has?",
        "Does TIES help where experts interfere?",
        "Does attention carry the skill when specialists are merged?",
    ):
        assert domain_of(question) == "merging"
        assert relevance(question, MERGING).asked


def test_a_sentence_is_a_whole_topic_and_what_it_says_of_the_domain_counts():
    assert read_topic("Does PolyNorm learn more than SwiGLU?").domain == "architectures"
    said = {"question": "Does PolyNorm survive a merge?", "domain": "merging"}
    assert topic_from(said, None, "t").domain == "merging"


def test_a_run_trains_on_the_tasks_that_its_question_needs_and_keeps_them():
    assert tasks_for("Is block diffusion faster?", (), "quick") == (*TASKS, "text")
    assert tasks_for("Anything at all", ("latent_rollout",), "quick") == (*TASKS, "life_rollout")
    assert tasks_for("Anything at all", (), "quick") == TASKS
    topic = topic_from(
        {"question": "Should a world model predict in latent space?", "profile": "quick"}, None, "t"
    )
    kept = settled(topic)
    assert kept.sequence_tasks == (*TASKS, "life", "life_rollout")
    assert settled(kept) == kept
    assert [card.name for card in subject_of(kept).cards] == list(kept.sequence_tasks)


def _round(question: str, afford_cpu_s: float, dear: str = "") -> ProposeRequest:
    """A first round in which the arms of one name are dear."""
    cost = {True: 1e6, False: 10.0}
    return ProposeRequest(
        question=question, subject=MERGING.subject, round=1, room=8, afford_cpu_s=afford_cpu_s,
        price=lambda arms, seeds: sum(cost[bool(dear) and dear in arm.name] for arm in arms),
        known=(), seeds=(0, 1, 2, 3, 4, 5, 6, 7), fresh=(), evaluations=60, seed=0,
    )  # fmt: skip


def test_nothing_else_is_asked_where_the_budget_has_no_room_for_what_the_question_speaks_of():
    question = "Does TIES help where experts interfere?"
    affordable = Playbook().propose(_round(question, 1e9))
    assert affordable.hypotheses[0].family == "interference"
    refused = Playbook().propose(_round(question, 1e3, dear="ties"))
    assert refused.hypotheses == () and refused.why == NO_ANSWER
    elsewhere = Playbook().propose(_round("Which of these is it?", 1e3, dear="ties"))
    assert elsewhere.hypotheses
