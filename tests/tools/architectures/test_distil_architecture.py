"""The tool that distils: teachers first, each of its own domain, then a student."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sandbox.errors import BadInput
from tests.tools.architectures.small_recall import attention
from tools.architectures.counts import flops_per_token
from tools.architectures.exam import Exam
from tools.architectures.objectives.distillation import Distillation
from tools.architectures.objectives.next_token import NextToken
from tools.architectures.teachers import ByDomain, trained_teachers
from tools.architectures.train import Course
from tools.bench import Bench
from tools.measures import MEASURES, wrong_measure
from tools.tasks.asked import items_of
from tools.tasks.sequence import find_sequence_task
from tools.tasks.task import Question, TaskView
from tools.tasks.variation import varied
from tools.tool import find_tool

pytestmark = pytest.mark.slow
torch.set_num_threads(1)
BODY = attention(16, layers=1)
CHANGES = {
    "domains": {"train": 256, "dev": 24, "test": 30},
    "mqar": {"length": 16, "vocabulary": 16, "pairs": 2, "train": 256, "dev": 16, "test": 24},
}
CPU = torch.device("cpu")


def call(task, **more):
    body = BODY.model_dump(mode="json")
    return {
        "architecture": body,
        "task": task,
        "changes": CHANGES[task],
        "rates": [1e-3, 5e-3, 1e-2],
        "steps": 20,
        "batch": 32,
        "teacher": {"architecture": body, "steps": 12},
        **more,
    }


def size_of(task):
    return varied(find_sequence_task(task).sizes["quick"], CHANGES[task])


def run(task, tool="distil_architecture", seed=1, **more):
    found, size = find_sequence_task(task), size_of(task)
    dev, test = (items_of(found.data(part, seed, size)) for part in ("dev", "test"))
    view = TaskView(task, "positions", dev, tuple(Question(item.prompt) for item in test))
    bench = Bench(seed, {}, {task: view}, Path(), (), lambda point: None)
    given = call(task, **more)
    if tool == "train_architecture":
        del given["teacher"]
    declared = find_tool(tool)
    return declared.function(declared.check(given), bench)


@pytest.mark.parametrize(("task", "teachers"), [("mqar", 1), ("domains", 3)])
def test_a_student_is_taught_by_a_teacher_a_domain_and_their_cost_is_reported(task, teachers):
    result = run(task)
    measures, size = result.measures, size_of(task)
    assert not [name for name, value in measures.items() if wrong_measure(name, value)]
    assert measures["teachers"] == teachers
    assert [line.split(":")[0] for line in result.notes[:teachers]] == [
        f"teacher {n} of {teachers}" for n in range(1, teachers + 1)
    ]
    assert all("after 12 steps" in line for line in result.notes[:teachers])
    assert sum("rate" in line for line in result.notes) == teachers + 3
    assert measures["teacher_training_s"] > 0
    assert measures["training_steps"] == result.steps == 20
    assert len(result.predictions[task]["test"]) == size.test
    tokens, length = measures["training_tokens"], size.length
    forward = measures["training_flops"] / tokens - measures["training_flops_per_token"]
    assert forward == pytest.approx(measures["flops_per_token"], rel=1e-3)
    one = 12 * 32 * length * measures["training_flops_per_token"]
    assert measures["teacher_training_flops"] == pytest.approx(teachers * one, rel=1e-3)


def test_student_and_control_differ_in_nothing_but_the_teacher():
    deaf = run("mqar", objective={"name": "distillation", "parameters": {"soft": 0.0}})
    alone = run("mqar", tool="train_architecture")
    assert deaf.predictions == alone.predictions
    assert deaf.measures["train_loss"] == pytest.approx(alone.measures["train_loss"])
    assert set(deaf.measures) - set(alone.measures) == {
        name for name in MEASURES if name.startswith("teacher")
    }
    assert run("mqar").predictions != alone.predictions


def test_a_trial_repeated_says_the_same():
    one, again = (run("domains", rates=[5e-3]) for _ in range(2))
    assert one.predictions == again.predictions
    assert one.notes == again.notes


def test_a_teacher_learns_from_its_own_domain_and_is_asked_about_it_alone():
    task, size = find_sequence_task("domains"), size_of("domains")
    train, dev = (task.data(part, 0, size) for part in ("train", "dev"))
    data = ByDomain.of(task, size, train, dev)
    parts = [data.within(domain) for domain in range(3)]
    assert sum(len(part) for part, _ in parts) == len(train)
    for domain, both in enumerate(parts):
        for part in both:
            assert (task.domain_of(part.tokens, size) == domain).all()
    exam, course = Exam.of(task, size, train), Course(5e-3, steps=2, batch=16)
    teachers = trained_teachers(exam, BODY, data, [5e-3], course, 0, CPU)
    asked = []
    for number, model in enumerate(teachers.models):
        model.register_forward_hook(lambda _, given, out, n=number: asked.append((n, given[0])))
    aim = Distillation().taught_by(teachers.models, data.domain_of)
    student = exam.candidate(aim, BODY)
    tokens, targets = (torch.from_numpy(array[:32]) for array in (train.tokens, train.targets))
    aim.loss(student, tokens, targets, torch.Generator())
    assert [number for number, _ in asked] == [0, 1, 2]
    assert all((data.domain_of(given) == number).all() for number, given in asked)


def test_the_cost_of_a_teacher_is_that_of_its_training_and_of_its_answers():
    task, size = find_sequence_task("mqar"), size_of("mqar")
    train, dev = (task.data(part, 0, size) for part in ("train", "dev"))
    exam, course = Exam.of(task, size, train), Course(5e-3, steps=2, batch=16)
    data = ByDomain.of(task, size, train, dev)
    found = trained_teachers(exam, BODY, data, [5e-3], course, 0, CPU)
    model = exam.candidate(NextToken(), BODY)
    assert found.answer_flops == flops_per_token(model, size.length)
    both = round(flops_per_token(model, size.length, backward=True))
    assert found.flops == 2 * 16 * size.length * both
    assert found.accuracy == found.best[0].dev.accuracy


def test_a_domain_without_sequences_is_refused():
    task, size = find_sequence_task("domains"), size_of("domains")
    train, dev = (task.data(part, 0, size) for part in ("train", "dev"))
    few = replace(dev, tokens=dev.tokens[:1], targets=dev.targets[:1])
    with pytest.raises(BadInput, match="no sequence of domain"):
        ByDomain.of(task, size, train, few)


def test_an_objective_without_teachers_is_refused():
    with pytest.raises(BadInput, match="next_token has no teachers"):
        run("mqar", objective={"name": "next_token"})


def test_the_first_estimate_counts_every_teacher():
    tool = find_tool("distil_architecture")
    one, more = (tool.cost_s(call("mqar", teacher=t)) for t in (teacher(12), teacher(24)))
    alone = find_tool("train_architecture").cost_s(
        {name: value for name, value in call("mqar").items() if name != "teacher"}
    )
    assert one > alone
    assert more - one == pytest.approx(alone * 12 / 20)
    three = tool.cost_s(call("domains", teacher=teacher(24)))
    assert three - tool.cost_s(call("domains", teacher=teacher(12))) > 2 * (more - one)


def teacher(steps):
    return {"architecture": BODY.model_dump(mode="json"), "steps": steps}


def test_domains_are_told_on_the_device_of_the_tokens():
    task, size = find_sequence_task("domains"), size_of("domains")
    train, dev = (task.data(part, 0, size) for part in ("train", "dev"))
    told = ByDomain.of(task, size, train, dev).domain_of(torch.from_numpy(train.tokens))
    assert np.array_equal(told.numpy(), task.domain_of(train.tokens, size))
