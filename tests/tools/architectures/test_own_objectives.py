"""An objective that was brought: read as text outside, held to the laws, teaching a plain model."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from sandbox.backend import find_backend
from sandbox.errors import BadInput, PlanRefused
from sandbox.executors.local import LocalExecutor
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, HypothesisLine, TrialLine
from tests.tools.architectures import own_blocks
from tests.tools.architectures.own_objectives import LOSS, PLAIN, written
from tools.architectures.objective import Objective, find_objective
from tools.architectures.objective_laws import broken_objective_laws, broken_own_laws
from tools.architectures.objectives.next_token import NextToken
from tools.architectures.own_block import read_own_block
from tools.architectures.own_objective import OBJECTIVE, OwnObjective, read_own_objective
from tools.architectures.subject import ArchitectureSuite
from tools.architectures.training_arguments import TrainArchitectureArguments
from tools.conduct import conduct
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.freeze import freeze
from tools.law_check import check_laws
from tools.laws import LAWS, findings
from tools.own_code import OwnCode
from tools.workshop import Workshop

SECRET = "5ec2e7" * 5 + "00"
CALL: dict[str, object] = {
    "architecture": {"width": 8, "layers": [{"mixer": {"block": "linear_attention"}}]},
    "task": "mqar",
    "steps": 2,
    "rates": [0.01],
    "batch": 4,
}


def test_a_file_is_read_without_running_it(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    own = read_own_objective(written(tmp_path, "quiet", f"open({str(witness)!r}, 'w')"))
    assert (own.name, own.label, own.seam) == ("quiet", "Quiet", "objective")
    assert (own.likelihood, own.input) == ("exact", "objectives/quiet.py")
    assert not witness.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import torch\n", "defines no @objective"),
        ("import os\n", "imports os"),
        ("from tools.tasks.asked import items_of\n", "imports tools.tasks.asked"),
        ("@objective('next_token')\nclass A: ...\n", "built-in objective is called 'next_token'"),
        ("@objective('top2')\nclass A: ...\n", "cannot be the name of an objective"),
        ("@objective('a', source='')\nclass A: ...\n", "likelihood is ''"),
        ("@objective('a', likelihood='exact', teachers=True)\nclass A: ...\n", "needs teachers"),
        ("@objective('a', likelihood='exact')\ndef f(): ...\n", "defines no @objective"),
    ],
)
def test_a_file_that_is_no_objective_is_answered_in_one_sentence(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "x.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=says) as caught:
        read_own_objective(file)
    assert "\n" not in str(caught.value)


def test_names_of_built_in_objectives_are_those_of_the_registry() -> None:
    from tools.architectures.objective import all_objectives

    assert sorted(OBJECTIVE.names()) == sorted(all_objectives())


def like_next_token(maker: type[NextToken]) -> Objective:
    return replace(find_objective("next_token"), maker=maker)


def said(maker: type[NextToken]) -> dict[str, str]:
    found = like_next_token(maker)
    broken = broken_objective_laws(found) + broken_own_laws(found)
    lines = findings("objective", broken, lambda law: True)
    return {law: what for law, _, what in (line.partition(": ") for line in lines)}


def test_an_objective_has_to_teach_the_plain_model_with_nothing_added() -> None:
    class Wider(NextToken):
        def model(self, architecture, vocabulary, outputs=0):
            return super().model(architecture.model_copy(update={"width": 32}), vocabulary, outputs)

    class Added(NextToken):
        def model(self, architecture, vocabulary, outputs=0):
            model = super().model(architecture, vocabulary, outputs)
            model.bias = nn.Parameter(torch.zeros(vocabulary))
            return model

        def loss(self, model, tokens, targets, draw):
            return super().loss(model, tokens, targets, draw) + model.bias.square().sum().exp()

    assert broken_own_laws(like_next_token(NextToken)) == []
    assert said(NextToken) == dict.fromkeys(LAWS["objective"], "holds")
    for maker in (Wider, Added):
        assert "nothing added" in said(maker)["model"]


def test_what_was_not_tried_of_an_objective_is_not_said_to_hold() -> None:
    class Nothing(NextToken):
        def loss(self, model, tokens, targets, draw):
            return super().loss(model, tokens, targets, draw) * float("nan")

    found = said(Nothing)
    assert "not a finite scalar" in found["loss"]
    assert found["gradient"] == "there is none of such a loss"
    assert {found[law] for law in LAWS["objective"][2:]} == {"not reached"}


def test_a_call_names_the_objective_that_it_brings_and_nothing_that_thinks_in_ticks() -> None:
    own = {"own_objectives": {"mine": "0" * 64}}
    with pytest.raises(ValidationError, match="does not name the objective 'next_token'"):
        TrainArchitectureArguments.model_validate(CALL | own)
    taught = CALL | own | {"objective": {"name": "mine"}}
    call = TrainArchitectureArguments.model_validate(taught | {"own_blocks": {"b": "1" * 64}})
    assert call.code() == (("block", "b", "1" * 64), ("objective", "mine", "0" * 64))
    ticks = {"architecture": {"kind": "ticks"}}
    with pytest.raises(ValidationError):
        TrainArchitectureArguments.model_validate(taught | ticks)


@pytest.mark.slow
def test_an_objective_that_adds_weights_breaks_its_law_in_the_sandbox(tmp_path: Path) -> None:
    body = (
        "def model(self, architecture, vocabulary, outputs=0):\n"
        "    return super().model(architecture.model_copy(update={'width': 32}), vocabulary)\n"
        f"{LOSS}return {PLAIN}"
    )
    with closing(find_backend("bubblewrap")) as backend, LocalExecutor(backend, 1) as executor:
        found = check_laws(
            read_own_objective(written(tmp_path, "greedy", body)), executor, tmp_path / "run"
        )
    assert not found.lawful
    assert found.laws["loss"] == "holds"
    assert "greedy breaks a law of objectives: model" in found.sentence


def arm(name: str, own: OwnObjective | None = None) -> Arm:
    arguments = dict(CALL)
    if own is not None:
        arguments["objective"] = {"name": own.name}
        arguments["own_objectives"] = {own.name: own.digest}
    return Arm.model_validate(
        {"name": name, "label": name, "tool": "train_architecture", "arguments": arguments}
    )


def planned(run: Path, subject: ArchitectureSuite, treatment: Arm) -> tuple[Experiment, Ledger]:
    """One seed of the arm against next-token training."""
    ledger = Ledger(run / "ledger.jsonl")
    said = dict.fromkeys(("title", "statement", "rationale", "prediction", "refuted_by"), "")
    ledger.append(HypothesisLine(id="h", family="own_objective", round=1, **said))
    control = arm("control")
    sides = [Side(label=a.name, arms=(a.name,), tasks=("mqar",)) for a in (treatment, control)]
    test = PairedTest(
        treatment=sides[0], control=sides[1], predicted_effect=0.1, alpha=0.6, family_size=1
    )
    plan = Experiment(
        hypothesis="h", subject=subject.name, arms=(treatment, control), seeds=(20,), test=test
    )
    freeze(plan, subject, ledger, run)
    return plan, ledger


def suite(*code: OwnCode) -> ArchitectureSuite:
    return ArchitectureSuite("quick", ["mqar"], SECRET, code)


def test_a_file_of_one_kind_is_not_run_as_another(tmp_path: Path) -> None:
    block = read_own_block(own_blocks.HONEST)
    own = OwnObjective(block.name, block.file, block.digest, "exact")
    with pytest.raises(PlanRefused, match="'fading_memory' that the run does not have"):
        planned(tmp_path, suite(block), arm("own", own))


@pytest.mark.slow
def test_an_objective_teaches_the_same_model_in_a_sandbox_of_its_own(tmp_path: Path) -> None:
    """Its own model could not be made; in a trial it is not asked for one."""
    body = (
        "def model(self, architecture, vocabulary, outputs=0):\n"
        "    raise ValueError('an objective makes no model')\n"
        f"{LOSS}return 2 * {PLAIN}"
    )
    own = read_own_objective(written(tmp_path, "twofold", body))
    run = tmp_path / "run"
    run.mkdir()
    plan, ledger = planned(run, suite(own), arm("own", own))
    with closing(find_backend("bubblewrap")) as backend, LocalExecutor(backend, 2) as executor:
        shop = Workshop(executor=executor, ledger=ledger, folder=run)
        conduct([plan], suite(own), shop)
    trials = {line.arm: line for line in ledger.lines(TrialLine)}
    assert {line.status for line in trials.values()} == {"ok"}, trials
    lines = ledger.lines(EvidenceLine)
    counts = {line.arm: line.value for line in lines if line.metric == "parameters"}
    assert counts["own"] == counts["control"]
    losses = {line.arm: line.value for line in lines if line.metric == "train_loss"}
    assert losses["own"] != losses["control"]
    assert {line.arm for line in lines if line.split == "test"} == {"own", "control"}
    job = json.loads((run / "trials" / trials["own"].id / "job.json").read_text(encoding="utf-8"))
    assert job["files"] == {"objectives/twofold.py": own.digest}
