"""A synthetic run on architectures, written with the real records and the real tests.

Its accuracies are made up around the order that is known; nothing here was trained.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.claims import claim_of
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    CostLine,
    EvidenceLine,
    HypothesisLine,
    PlanLine,
    RunLine,
    TrialLine,
    short_id,
)
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.subject import ArchitectureSuite
from tools.compare import compare, rule
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.measures import MEASURES
from tools.tool import find_tool
from tools.trial import TrialSpec

SEEDS = tuple(range(8))
PRIMARY, OTHER = "mqar", "selective_copy"
FAMILY = 8
CODE, DATA = (hashlib.sha256(text).hexdigest() for text in (b"the code", b"the data"))
RATES = (0.002, 0.005, 0.01)
POSITIONS = 2048
Facts = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """An arm with what its trials are made to measure."""

    arm: Arm
    mean: float
    spread: float
    parameters: int
    state: int
    flops: int

    def accuracy(self, seed: int) -> float:
        """The test accuracy of a seed, a count of positions over all."""
        wave = ((seed * 37 + len(self.arm.name) * 11) % 16 - 7.5) / 7.5
        return round(min(1.0, max(0.0, self.mean + self.spread * wave)) * POSITIONS) / POSITIONS


def _layer(mixer: str, convolution: int = 4, channel: Choice | None = None, **given: Any) -> Layer:
    return Layer(mixer=Choice(block=mixer, parameters=given), channel=channel,
                 convolution=convolution)  # fmt: skip


def _arm(
    name: str, label: str, *layers: Layer, task: str = PRIMARY, like: Any = None, **more: Any
) -> Arm:
    body = Architecture(width=32, layers=layers, **more)
    arguments = {
        "architecture": body.model_dump(mode="json"), "task": task, "size": "quick",
        "optimizer": "adamw", "rates": list(RATES), "steps": 400, "batch": 64,
    }  # fmt: skip
    if like is not None:
        arguments["match"] = {"quantity": "parameters", "like": like}
    return Arm(name=name, label=label, tool="train_architecture", arguments=arguments)


_look, _plain = _layer("softmax_attention"), _layer("softmax_attention", 0)
_ssd, _linear = _layer("state_space_dual", size=16), _layer("linear_attention")
_bare, _delta = _layer("linear_attention", 0), _layer("delta_net")
_mixed = _layer("softmax_attention", channel=Choice(block="glu", parameters={"expansion": 1.0}))
_distinct = _arm("attention-glu", "Attention with convolution and SwiGLU", _mixed, _mixed)

ARMS = {
    made.arm.name: made
    for made in (
        Made(_arm("attention-conv", "Attention with convolution", _look, _look),
             0.985, 0.012, 12_896, 4_480, 31_100),
        Made(_arm("attention", "Attention alone", _plain, _plain),
             0.870, 0.110, 12_480, 4_096, 30_400),
        Made(_arm("ssd", "SSD", _ssd, _ssd), 0.912, 0.040, 13_120, 1_408, 29_000),
        Made(_arm("hybrid", "Attention then SSD", _look, _ssd),
             0.990, 0.008, 13_008, 2_944, 30_050),
        Made(_arm("linear-conv", "Linear attention with convolution", _linear, _linear),
             0.610, 0.050, 12_960, 1_024, 28_800),
        Made(_arm("linear", "Linear attention alone", _bare, _bare),
             0.140, 0.030, 12_544, 640, 28_100),
        Made(_arm("delta-net", "Schlag's DeltaNet", _delta, _delta),
             0.930, 0.045, 13_060, 768, 29_400),
        Made(_distinct, 0.970, 0.020, 19_200, 4_480, 43_400),
        Made(_arm("looped", "Looped layer", _mixed, loops=2,
                  like=_distinct.arguments["architecture"]), 0.940, 0.030, 19_150, 4_480, 62_000),
        Made(_arm("ssd-on-selective-copy", "SSD, selective copy", _ssd, _ssd, task=OTHER),
             0.780, 0.050, 12_300, 1_408, 27_500),
        Made(_arm("hybrid-on-selective-copy", "Attention then SSD, selective copy", _look, _ssd,
                  task=OTHER), 0.805, 0.060, 12_200, 2_944, 28_500),
    )
}  # fmt: skip

# family, title, treatment, control, null, predicted, relation, parent's family
HYPOTHESES = (
    ("gate_attention", "Gate: attention recalls no less than SSD", "attention-conv", "ssd", -0.05,
     -0.05, "", ""),
    ("gate_hybrid", "Gate: a hybrid recalls no less than SSD", "hybrid", "ssd", -0.05, -0.05, "",
     ""),
    ("gate_ssd", "Gate: SSD recalls more than linear attention", "ssd", "linear-conv", 0.0, 0.1,
     "", ""),
    ("gate_convolution", "Gate: a short convolution lets linear attention recall", "linear-conv",
     "linear", 0.0, 0.1, "", ""),
    ("delta_rule", "The delta rule recalls more than a sum", "delta-net", "linear-conv", 0.0, 0.1,
     "", ""),
    ("looped", "A looped layer replaces distinct layers", "looped", "attention-glu", -0.05, -0.05,
     "", ""),
    ("short_convolution", "Attention needs its convolution's view", "attention-conv", "attention",
     0.0, 0.3, "", ""),
    ("gate_hybrid_elsewhere", "Generalisation: a hybrid is no less accurate, on selective copy",
     "hybrid-on-selective-copy", "ssd-on-selective-copy", -0.05, -0.05, "generalise",
     "gate_hybrid"),
)  # fmt: skip
STATEMENTS = {
    "generalise": "Trained and tested on selective copy instead, the hybrid should be no less "
    "accurate, within a margin.",
    "": "The first arm should be more accurate than the second, or no less, as its plan says.",
}


def sample_architecture_run(folder: Path) -> tuple[Ledger, Facts, dict[str, Any]]:
    """Write the run's folder; return its ledger, run.json and plans (id -> frozen plan)."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = architecture_facts()
    (folder / "run.json").write_text(json.dumps(facts, indent=2))
    (folder / "topic.yaml").write_text(f"question: {facts['question']}\ndomain: architectures\n")
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append(
        RunLine(
            id=facts["id"],
            question=facts["question"],
            topic_digest=_sha((folder / "topic.yaml").read_bytes()),
            settings_digest=_sha((folder / "run.json").read_bytes()),
        )
    )
    plans = _plans(folder, ledger)
    for made in ARMS.values():
        for seed in SEEDS:
            _trial(folder, ledger, made, seed)
    _judge(ledger, plans)
    return ledger, facts, {plan.id: plan.model_dump(mode="json") for plan in plans}


def architecture_facts() -> Facts:
    """run.json as the agent writes it."""
    subject = ArchitectureSuite("quick")
    tasks = [{**asdict(card), "dev_items": 256, "test_items": 256} for card in subject.cards]
    return {
        "id": "20261122-small-recall-7b1d",
        "question": "Which mixers of constant size recall as well as attention?",
        "title_hint": "", "started_at": "2026-11-22T21:04:11+00:00", "seed": 0,
        "mind": {"name": "playbook", "description": "the built-in mind, without a network"},
        "versions": {"hanji": "0.1.0", "python": "3.11.2", "torch": "2.13.0"},
        "machine": {"cpu": "AMD EPYC 7B13", "cores": 2, "memory_bytes": 8 * 2**30,
                    "gpu": "not used", "os": "Debian GNU/Linux 12"},
        "budget": {"wall_s": 900.0, "trials": 2000, "cpu_s": 1800.0, "gpu_s": 0.0,
                   "disk_bytes": 2 * 2**30},
        "sandbox": {
            "backend": "bubblewrap", "level": "namespaces+seccomp", "confined": True,
            "capabilities": {"network_off": True, "read_only_system": True, "not_root": True,
                             "memory_limit": True, "disk_limit": True, "process_limit": True},
        },
        "subject": {
            "name": subject.name, "domain": subject.domain, "description": subject.description,
            "pairing": subject.pairing, "caveat": subject.caveat, "primary": PRIMARY,
            "kept": [], "groups": [], "roles": [], "tasks": tasks,
        },
        "alpha": 0.05, "confidence": 0.95, "family_size": FAMILY, "language": "en",
        "command": "hanji run 20261122-small-recall-7b1d/topic.yaml --seed 0",
    }  # fmt: skip


def _plans(folder: Path, ledger: Ledger) -> list[Experiment]:
    (folder / "plans").mkdir(exist_ok=True)
    plans = []
    for family, title, treatment, control, null, predicted, relation, parent in HYPOTHESES:
        margin = null < 0
        line = HypothesisLine(
            id=short_id({"family": family}), family=family, title=title, round=1,
            statement=STATEMENTS[relation], rationale="It follows from published results.",
            prediction="no loss beyond the margin" if margin else "at least the predicted effect",
            refuted_by="a larger loss" if margin else "a smaller one",
            parent=short_id({"family": parent}) if parent else "", relation=relation,
        )  # fmt: skip
        ledger.append(line)
        gate = line.family.startswith("gate_") and not relation
        plan = _plan(line.id, treatment, control, null, predicted, gate)
        file = f"plans/{plan.id}.json"
        (folder / file).write_text(plan.model_dump_json(indent=2))
        ledger.append(
            PlanLine(id=plan.id, hypothesis=line.id, plan_digest=plan.digest, file=file, round=1)
        )
        plans.append(plan)
    return plans


def _plan(
    hypothesis: str, treatment: str, control: str, null: float, due: float, gate: bool
) -> Experiment:
    parts = {"treatment": ARMS[treatment].arm, "control": ARMS[control].arm}
    task = str(parts["treatment"].arguments["task"])
    sides = {
        part: Side(label=arm.label, arms=(arm.name,), tasks=(task,)) for part, arm in parts.items()
    }
    size = 1 if gate else FAMILY
    test = PairedTest(**sides, null_effect=null, predicted_effect=due, family_size=size, gate=gate)
    arms = tuple(arm.model_copy(update={"role": part}) for part, arm in parts.items())
    return Experiment(
        hypothesis=hypothesis, subject="architectures", arms=arms, seeds=SEEDS, test=test
    )


def _trial(folder: Path, ledger: Ledger, made: Made, seed: int) -> None:
    arm = made.arm
    arguments = find_tool(arm.tool).normal(arm.arguments)
    spec = TrialSpec(
        tool=arm.tool, arguments=arguments, seed=seed, code_digest=CODE, data_digest=DATA
    )
    file = folder / "trials" / spec.id / "result.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    cpu_s = 6.0 + made.flops / 20_000 + 0.1 * seed
    trial = TrialLine(
        id=spec.id, tool=arm.tool, arm=arm.name, arguments=arguments, seed=seed, status="ok",
        wall_s=cpu_s + 0.4, cpu_s=cpu_s, memory_peak_bytes=600 * 2**20, isolation="bubblewrap",
        code_digest=CODE, data_digest=DATA, result_digest=_sha(file.read_bytes()),
    )  # fmt: skip
    ledger.append(trial)
    value = made.accuracy(seed)
    _seal(ledger, trial, "accuracy", str(arm.arguments["task"]), "test", value,
          unit="fraction", items=POSITIONS, correct=round(value * POSITIONS))  # fmt: skip
    for metric, measured in _measures(made, seed).items():
        known = MEASURES[metric]
        _seal(ledger, trial, metric, PRIMARY, "dev", measured, unit=known.unit,
              better=known.better, items=1)  # fmt: skip
    ledger.append(
        CostLine(id=f"cost-{trial.id}", what=f"trial {trial.id}", wall_s=trial.wall_s,
                 cpu_s=trial.cpu_s, trials=1)
    )  # fmt: skip


def _measures(made: Made, seed: int) -> Mapping[str, float]:
    return {
        "parameters": made.parameters,
        "state_floats": made.state,
        "flops_per_token": made.flops,
        "training_bytes": 40 * made.parameters,
        "training_steps": 400,
        "rates_tried": len(RATES),
        "learning_rate": RATES[(seed + len(made.arm.name)) % 2 + 1],
        "training_s": 2.0 + made.flops / 50_000,
    }


def _seal(
    ledger: Ledger, trial: TrialLine, metric: str, task: str, split: str, value: float, **more: Any
) -> None:
    ledger.append(
        EvidenceLine(
            id=short_id([trial.id, metric, task, split]),
            metric=metric,
            task=task,
            split=split,
            value=value,
            arm=trial.arm,
            seed=trial.seed,
            trial=trial.id,
            code_digest=CODE,
            data_digest=DATA,
            **more,
        )
    )


def _judge(ledger: Ledger, plans: list[Experiment]) -> None:
    """Compare, rule and claim as the agent does."""
    for plan in plans:
        ledger.append(compare(plan, ledger))
    comparisons = {line.id: line for line in ledger.lines(ComparisonLine)}
    hypotheses = {line.id: line for line in ledger.lines(HypothesisLine)}
    for verdict in rule(list(comparisons.values()), plans):
        ledger.append(verdict)
        line = hypotheses[verdict.hypothesis]
        ledger.append(claim_of(line, verdict, comparisons.get(verdict.comparison)))


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
