"""Families about objectives, teachers and stages: asked where the topic has a task for them."""

import pytest

from agent.minds.playbook.architectures import taught
from agent.minds.playbook.architectures.relatives import body_of
from agent.minds.playbook.authors import objectives
from agent.minds.playbook.family import Setting, find_family
from agent.minds.playbook.relations import FOLLOW_UPS
from agent.topic import subject_of, topic_from
from papers.exhibits.architecture_calls import _flat
from tests.agent.family_checks import (
    check_freezable,
    check_names,
    check_prose,
    counted,
    line_of,
    numbers_in,
    works_in,
)
from tools.architectures.architecture import Architecture
from tools.architectures.subject import TASKS, ArchitectureSuite
from tools.architectures.upscale import Upscaling
from tools.literature.library import Library
from tools.tool import find_tool

SUBJECT = ArchitectureSuite("quick", (*TASKS, "life", "life_rollout", "domains"))
SETTING = Setting(SUBJECT, 40)
HOME = {
    "depth_upscaling": "mqar",
    "multi_token": "selective_copy",
    "latent_prediction": "life",
    "latent_rollout": "life_rollout",
    "distillation": "in_context_recall",
    "distilled_experts": "domains",
    "distilled_experts_total": "domains",
}
"""Family -> the task that it asks about."""
FOLLOW = FOLLOW_UPS["architectures"]
RELATIONS = [(r, name) for name in HOME for r in ("", "generalise", "promote", "replicate")]


def idea(relation, name, at=SETTING):
    found = find_family(name).think(at)
    return FOLLOW[relation](found, at) if relation else found


def calls(found):
    return [find_tool(arm.tool).normal(arm.arguments) for arm in found.arms]


@pytest.mark.parametrize("name", HOME)
def test_a_family_asks_where_the_topic_has_its_task(name):
    assert {call["task"] for call in calls(idea("", name))} == {HOME[name]}
    without = Setting(ArchitectureSuite("quick", ("mqar", "multi_hop_recall")), 40)
    found = find_family(name).think(without)
    assert (found is None) == (name not in ("depth_upscaling", "distillation"))


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_experiment_of_a_family_can_be_frozen_and_decided(relation, name):
    found = idea(relation, name)
    if found is None:
        assert relation in ("generalise", "promote")
        return
    check_freezable([line_of(found, name, relation)], SUBJECT)


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_prose_of_a_family_holds_no_numbers_and_cites_known_works(relation, name):
    found = idea(relation, name)
    if found is None:
        return
    check_prose(found)
    assert f"{found.predicted_effect:.2f}" in found.prediction
    assert f"{found.predicted_effect:.2f}" in found.refuted_by


@pytest.mark.parametrize("name", HOME)
def test_what_is_compared_differs_in_what_the_claim_is_about_and_in_nothing_else(name):
    treatment, control = calls(idea("", name))
    allowed = {
        "depth_upscaling": {"architecture", "scheme", "dropped", "copies", "share"},
        "multi_token": {"objective"},
        "latent_prediction": {"objective"},
        "latent_rollout": {"objective"},
        "distillation": {"objective", "teacher"},
        "distilled_experts": {"architecture"},
        "distilled_experts_total": {"architecture", "match"},
    }
    keys = {*treatment, *control}
    differing = {k for k in keys if (treatment.get(k) or None) != (control.get(k) or None)}
    assert differing <= allowed[name]
    assert len(treatment["rates"]) >= 3


@pytest.mark.parametrize("size", ["quick", "standard", "long"])
def test_up_scaling_makes_the_control_of_the_shallow_model(size):
    found = find_family("depth_upscaling").think(Setting(ArchitectureSuite(size), 40))
    [grown], [scratch] = found.treatment, found.control
    how = Upscaling(grown.arguments["scheme"], grown.arguments["dropped"])
    shallow, deep = (
        Architecture.model_validate(arm.arguments["architecture"]) for arm in (grown, scratch)
    )
    assert how.architecture(shallow) == deep
    assert grown.arguments["steps"] == scratch.arguments["steps"]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["quick", "standard", "long"])
def test_students_are_as_active_or_as_large_as_they_are_compared_at(size):
    at = Setting(ArchitectureSuite(size, ("domains",)), 40)
    routed, dense, large = (
        arm(at) for arm in (taught.routed_student, taught.dense_student, taught.large_student)
    )
    assert within(counted(routed, "active"), counted(dense, "active"))
    assert counted(routed, "parameters") > 1.2 * counted(dense, "parameters")
    assert within(counted(routed, "parameters"), counted(large, "parameters"))
    teachers = [arm.arguments["teacher"] for arm in (routed, dense, large)]
    assert teachers[0] == teachers[1] == teachers[2]
    assert teachers[0]["architecture"] == dense.arguments["architecture"]


def within(one, other):
    return max(one, other) <= 1.05 * min(one, other)


def test_a_question_goes_to_tasks_that_its_arms_can_learn():
    assert idea("generalise", "latent_prediction").tasks == ("life_rollout",)
    assert idea("generalise", "latent_rollout").tasks == ("life",)
    assert idea("generalise", "distillation").tasks == ("selective_copy",)
    assert idea("generalise", "depth_upscaling").tasks == ("selective_copy",)
    for name in ("multi_token", "distilled_experts", "distilled_experts_total"):
        assert idea("generalise", name) is None
    promoted = {name for name in HOME if idea("promote", name) is not None}
    assert promoted == {"depth_upscaling", "distillation"}


def test_arms_that_are_taught_otherwise_are_not_varied_by_the_grammar():
    for name in HOME:
        [treatment] = idea("", name).treatment
        assert body_of(treatment) is None
        assert FOLLOW["mutate"](idea("", name), SETTING) is None


def test_an_arm_name_stands_for_one_call_and_a_call_has_one_name():
    found = (idea(relation, name) for relation, name in RELATIONS)
    check_names(arm for one in found if one for arm in one.arms)


@pytest.mark.parametrize(
    ("family", "tasks"),
    [
        ("latent_rollout", ["mqar", "life", "life_rollout"]),
        ("distilled_experts", ["mqar", "domains"]),
        ("depth_upscaling", []),
    ],
)
def test_a_topic_can_ask_for_it_first(family, tasks, tmp_path):
    body = {
        "question": "Does it pay to be taught otherwise?",
        "domain": "architectures",
        "profile": "quick",
        "sequence_tasks": tasks,
        "first": [family],
    }
    subject = subject_of(topic_from(body, tmp_path, "topic.yaml"))
    assert find_family(family).think(Setting(subject, 40)) is not None


def sides(name):
    found = idea("", name)
    return found.treatment[0], found.control[0]


def test_the_paper_says_what_each_arm_minimises():
    latent, plain = sides("latent_prediction")
    assert objectives.aims([plain]) == [objectives.STATES]
    assert objectives.aims([latent]) == [objectives.OBJECTIVES["latent_prediction"]]
    student, alone = sides("distillation")
    assert objectives.aims([student]) == [objectives.OBJECTIVES["distillation"]]
    assert objectives.aims([alone]) == [objectives.LABELS]
    ahead, _ = sides("multi_token")
    assert objectives.aims([ahead, alone]) == sorted(
        [objectives.LABELS, objectives.OBJECTIVES["multi_token"]]
    )


def test_what_papers_say_of_objectives_has_no_numbers_and_known_sources():
    told = [*objectives.OBJECTIVES.values(), *objectives.TOOLS.values(), objectives.WORLD]
    for text in told:
        assert not numbers_in(text)
        assert works_in(text) <= set(Library.embedded().keys())


def test_the_teacher_is_among_the_parts_and_in_the_list_of_calls():
    student, _ = sides("distillation")
    [teacher] = objectives.bodies([("plan", student)])
    assert {layer.mixer.block for layer in teacher.layers} == {"softmax_attention"}
    told = _flat(student.arguments)["teacher"]
    assert "softmax_attention" in told
    assert told.endswith("steps=400)")
    assert "{" not in told
