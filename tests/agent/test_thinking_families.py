"""Families about models that think in ticks: asked where the topic has a task for them."""

from pathlib import Path

import pytest

from agent.facts import subject_facts
from agent.minds.mind import Known
from agent.minds.playbook.architectures import tick_arms
from agent.minds.playbook.authors.architecture_method import components, sizes, training
from agent.minds.playbook.choose import candidates
from agent.minds.playbook.family import Setting, find_family, gates
from agent.minds.playbook.relations import FOLLOW_UPS
from agent.minds.playbook.story import Story
from agent.topic import read_topic, subject_of
from tests.agent.family_checks import SEEDS, check_prose, counted, frozen, line_of
from tools.architectures.subject import ArchitectureSuite
from tools.architectures.ticks import Ticks
from tools.tool import find_tool

TASKS = ("mqar", "selective_copy", "digits", "parity", "multi_hop_recall")
SUBJECT = ArchitectureSuite("quick", TASKS)
SETTING = Setting(SUBJECT, 40)
FAMILIES = ("synchronisation", "thought_machine", "more_ticks")
FOLLOW = FOLLOW_UPS["architectures"]
RELATIONS = [(relation, name) for name in FAMILIES for relation in ("", "generalise", "replicate")]
EXAMPLE = Path(__file__).parents[2] / "examples" / "continuous_thought" / "topic.yaml"


def idea(relation, name, at=SETTING):
    found = find_family(name).think(at)
    return FOLLOW[relation](found, at) if relation else found


@pytest.mark.parametrize(
    ("tasks", "asked"),
    [
        (("mqar", "selective_copy"), ()),
        (("mqar", "digits"), ("digits", "digits", "")),
        (("parity", "mqar"), ("parity", "parity", "parity")),
        (TASKS, ("digits", "digits", "parity")),
    ],
)
def test_a_family_asks_where_the_topic_has_its_task(tasks, asked):
    at = Setting(ArchitectureSuite("quick", tasks), 40)
    found = [find_family(name).think(at) for name in FAMILIES]
    assert [each.tasks[0] if each else "" for each in found] == list(asked or ("", "", ""))


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_experiment_of_a_family_can_be_frozen_and_decided(relation, name, tmp_path):
    line = line_of(idea(relation, name), name, relation)
    _, [plan] = frozen([line], SUBJECT, tmp_path)
    assert plan.test.treatment.tasks == (plan.arms[0].arguments["task"],)


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_both_arms_train_alike(relation, name):
    found = idea(relation, name)
    one, other = (find_tool(arm.tool).normal(arm.arguments) for arm in found.arms)
    shared = ("task", "size", "changes", "rates", "steps", "batch", "weight_decay", "objective")
    assert all(one[field] == other[field] for field in shared)
    assert one["architecture"] != other["architecture"]
    assert one["architecture"]["early"] == other["architecture"]["early"]
    assert len(one["rates"]) >= 3


def test_the_other_task_has_its_own_recipe_and_nothing_else_is_asked_to_think():
    moved = idea("generalise", "thought_machine")
    assert moved.tasks == ("parity",)
    assert moved.arms == (
        tick_arms.machine(SETTING, "parity").model_copy(update={"role": "treatment"}),
        tick_arms.lstm(SETTING, "parity").model_copy(update={"role": "control"}),
    )
    for relation in ("ablate", "cross", "mutate", "promote"):
        assert [idea(relation, name) for name in FAMILIES] == [None] * 3
    alone = Setting(ArchitectureSuite("quick", ("mqar", "selective_copy", "digits")), 40)
    assert idea("generalise", "synchronisation", alone) is None
    window = find_family("window").think(SETTING)
    assert FOLLOW["generalise"](window, SETTING).tasks == ("selective_copy",)


@pytest.mark.parametrize("size", ["quick", "standard", "long"])
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.slow
def test_both_sides_have_equally_many_parameters(name, size):
    at = Setting(ArchitectureSuite(size, TASKS), 40)
    for task in tick_arms.TASKS:
        found = find_family(name).think(at)
        counts = [counted(tick_arms.on(at, arm, task)) for arm in found.arms]
        assert max(counts) <= 1.05 * min(counts)


@pytest.mark.parametrize(("relation", "name"), RELATIONS)
def test_the_prose_of_a_family_holds_no_numbers_and_cites_known_works(relation, name):
    found = idea(relation, name)
    check_prose(found)
    assert f"{found.predicted_effect:.2f}" in found.prediction
    assert f"{found.predicted_effect:.2f}" in found.refuted_by


def test_a_topic_that_names_the_tasks_is_asked_about_ticks_once_the_gate_holds():
    topic = read_topic(EXAMPLE)
    at = Setting(subject_of(topic), 40)
    known = tuple(
        Known(line_of(find_family(name).think(SETTING), name), None, None, "supported")
        for name in gates("architectures")
    )
    found = candidates(at, known, lambda arms, seeds: 1.0 * len(arms), SEEDS, (99,))
    assert set(topic.first) == set(FAMILIES) < {c.family for c in found}
    assert topic.hypotheses == len(FAMILIES)


def told(folder, *names):
    """The story of a run that froze these plans and measured nothing yet."""
    lines = [line_of(idea("", name), name) for name in names]
    ledger, plans = frozen(lines, SUBJECT, folder / str(len(names)))
    return Story(
        ledger,
        {"subject": subject_facts(SUBJECT)},
        {plan.id: plan.model_dump(mode="json") for plan in plans},
    )


def shown(passage):
    texts = [getattr(block, "text", "") or " ".join(block.items) for block in passage]
    return " ".join(texts)


def test_the_method_says_what_thinks_how_it_is_taught_and_what_was_resized(tmp_path):
    story = told(tmp_path, *FAMILIES)
    parts = shown(components(story))
    for words in ("private model", "synchronisation readout", "state readout", "LSTM", "single"):
        assert words in parts
    assert "residual stream" not in parts
    taught = shown(training(story))
    assert "tick of least loss" in taught
    assert "every tick counts alike" in taught
    assert "positions that the task asks about" not in taught
    assert "The number of neurons or units was changed" in shown(sizes(story))


def test_the_method_of_a_mixed_run_keeps_layers_and_ticks_apart(tmp_path):
    story = told(tmp_path, "gate_ssd", "synchronisation")
    parts = shown(components(story))
    assert "residual stream" in parts
    assert "think for a number of internal ticks" in parts
    assert "hidden state asks" not in parts
    assert "positions that the task asks about; or of models that think" in shown(training(story))
    alone = told(tmp_path, "gate_ssd")
    assert "tick" not in shown(components(alone)) + shown(training(alone))


def test_arms_are_specifications_that_can_be_built():
    for make in (tick_arms.machine, tick_arms.state_readout, tick_arms.lstm, tick_arms.single_tick):
        for task in tick_arms.TASKS:
            arm = make(SETTING, task)
            assert tick_arms.thinks(arm)
            assert isinstance(Ticks.model_validate(arm.arguments["architecture"]), Ticks)
