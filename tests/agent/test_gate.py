"""The gate: which orders open it, and what a first page says where it stays shut."""

import re
from dataclasses import dataclass

import pytest

from agent import gate
from agent.minds.playbook.family import gates
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, TrialLine, short_id
from tests.agent.family_checks import SEEDS, line_of
from tests.agent.test_architecture_families import SUBJECT, idea, planned
from tools.compare import compare
from tools.freeze import frozen_plans
from tools.tool import find_tool


@dataclass
class Record:
    """What the gate looks at."""

    ledger: Ledger
    folder: object
    subject: object = SUBJECT


def measured(tmp_path, accuracy):
    """A run whose gate was frozen and measured. accuracy: arm -> value on every seed."""
    lines = [line_of(idea("", name), name) for name in gates("architectures")]
    ledger, plans = planned(lines, tmp_path)
    for arm in {arm.name: arm for plan in plans for arm in plan.arms}.values():
        for seed in SEEDS:
            for sealed in trial_of(arm, seed, accuracy[arm.name]):
                ledger.append(sealed)
    return Record(ledger, tmp_path)


def trial_of(arm, seed, value):
    id = short_id([arm.name, seed])
    about = {"arm": arm.name, "seed": seed, "code_digest": "c", "data_digest": "d"}
    arguments = find_tool(arm.tool).normal(arm.arguments)
    yield EvidenceLine(
        id=f"{id}-e",
        metric="accuracy",
        task=str(arguments["task"]),
        split="test",
        value=value,
        unit="fraction",
        items=640,
        trial=id,
        **about,
    )
    yield TrialLine(
        id=id,
        tool=arm.tool,
        arguments=arguments,
        status="ok",
        wall_s=1.0,
        cpu_s=1.0,
        memory_peak_bytes=1,
        isolation="none",
        **about,
    )


ORDER = {"attention-conv": 1.0, "hybrid": 0.99, "ssd": 0.97, "linear-conv": 0.6, "linear": 0.1}


def ruled(tmp_path, accuracy):
    record = measured(tmp_path, accuracy)
    for plan in frozen_plans(record.ledger, tmp_path):
        record.ledger.append(compare(plan, record.ledger))
    return record


def test_the_known_order_opens_the_gate(tmp_path):
    record = ruled(tmp_path, ORDER)
    assert gate.missed(record) == ""
    assert gate.banner(record) == ""


def test_questions_without_their_gate_are_said_to_have_none(tmp_path):
    ledger, _ = planned([line_of(idea("", "short_convolution"), "short_convolution")], tmp_path)
    said = gate.banner(Record(ledger, tmp_path))
    assert said.startswith("GATE NOT RUN: this run did not ask for the known order")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"ssd": 0.6}, "SSD recalls more than linear attention"),
        ({"attention-conv": 0.5}, "attention recalls no less than SSD"),
        ({"hybrid": 0.2}, "a hybrid recalls no less"),
        ({"linear": 0.6}, "a short convolution lets linear attention recall"),
    ],
)
def test_an_order_that_is_not_reproduced_closes_the_gate(tmp_path, changed, says):
    record = ruled(tmp_path, ORDER | changed)
    assert says in gate.missed(record)
    banner = gate.banner(record)
    assert banner.startswith("GATE FAILED")
    assert not re.search(r"\d", banner)


def test_a_gate_that_was_not_measured_or_not_asked_is_closed(tmp_path):
    record = measured(tmp_path, ORDER)
    assert not record.ledger.lines(ComparisonLine)
    assert gate.missed(record).count("not measured") == 4
    empty = Record(Ledger(tmp_path / "empty.jsonl"), tmp_path)
    assert gate.missed(empty).count("not asked") == 4


def test_what_has_no_known_order_has_no_gate(tmp_path):
    class Merging:
        domain = "merging"

    assert gate.missed(Record(Ledger(tmp_path / "e.jsonl"), tmp_path, Merging())) == ""
