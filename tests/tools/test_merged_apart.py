"""A merge method that was brought only merges: what it made is asked where its code is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file

from sandbox.backend import find_backend
from sandbox.errors import BadInput
from sandbox.executors.local import LocalExecutor
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, HypothesisLine, Seam, TrialLine, digest_of
from tests.tools.tiny_models import save
from tools import worker
from tools.conduct import conduct
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.freeze import freeze
from tools.merging.apart import WEIGHTS
from tools.merging.own_method import read_own_method
from tools.own_code import OwnCode
from tools.subject import Role
from tools.tasks.task import Item, Question, TaskCard, TaskView
from tools.trial import TrialResult
from tools.workshop import Workshop

DEV = tuple(Item(f"{a} =", "yes" if a in "abc" else "no") for a in "abcdef")
TEST = tuple(Item(f"{a} b =", "yes" if a in "gh" else "no") for a in "ghij")
ASKED = tuple(Question(item.prompt) for item in (*DEV, *TEST))
ROLES = ("base", "a", "b")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("apart")
    for seed, role in enumerate(ROLES):
        save(root / role, seed=seed)
    return root


def worked(root: Path, models: dict[str, Path], view: TaskView, **call: object) -> TrialResult:
    for name in ("tasks", "models", "work"):
        (root / name).mkdir(parents=True)
    for role, folder in models.items():
        (root / "models" / role).symlink_to(folder)
    (root / "tasks" / "t.json").write_text(json.dumps(asdict(view)))
    told = {"roles": list(models), "tasks": ["t"]}
    (root / "call.json").write_text(json.dumps(told | call))
    worker.main(root, root / "work")
    return TrialResult.model_validate_json((root / "work" / "result.json").read_bytes())


def views() -> tuple[TaskView, TaskView, TaskView]:
    """The task for one job that does all, for one that makes, and for one that answers."""
    whole = TaskView("t", "exact_match", DEV, tuple(Question(item.prompt) for item in TEST))
    return whole, replace(whole, test=()), replace(whole, dev=(), test=ASKED)


@pytest.mark.parametrize(
    ("tool", "arguments", "host"),
    [
        ("merge", {"roles": ["a", "b"], "method": "linear"}, "a"),
        ("search", {"task": "t", "roles": ["a", "b"], "evaluations": 10, "method": "ties"}, "base"),
    ],
)
def test_another_job_answers_as_one_job_would_have(
    tool: str, arguments: dict[str, object], host: str, models: Path, tmp_path: Path
) -> None:
    every = {role: models / role for role in ROLES}
    whole, shown, asked = views()
    call = {"tool": tool, "arguments": arguments}
    together = worked(tmp_path / "one", every, whole, **call, seed=1)
    made = worked(tmp_path / "two", every, shown, **call, seed=1, step="make")
    assert made == together.model_copy(update={"predictions": {}})
    left = {host: models / host, "made": tmp_path / "two" / "work" / "model"}
    answered = worked(tmp_path / "three", left, asked, **call, step="answer")
    said = together.predictions["t"]
    assert answered.predictions == {"t": {"test": [*said["dev"], *said["test"]]}}


def test_only_the_hosts_own_tensors_may_answer(models: Path, tmp_path: Path) -> None:
    _, _, asked = views()
    arguments = {"roles": ["a", "b"], "method": "linear"}
    real = load_file(models / "a" / "model.safetensors")
    name = next(iter(real))
    wrong = (
        {n: t for n, t in real.items() if n != name},
        real | {"more": torch.zeros(1)},
        real | {name: torch.zeros(3)},
        real | {name: real[name].double()},
    )
    for number, tensors in enumerate(wrong):
        folder = tmp_path / f"made-{number}"
        folder.mkdir()
        save_file(tensors, folder / WEIGHTS)
        with pytest.raises(BadInput, match="other names, shapes or types"):
            worked(
                tmp_path / f"{number}",
                {"a": models / "a", "made": folder},
                asked,
                tool="merge",
                arguments=arguments,
                step="answer",
            )


@dataclass
class Tiny:
    """A subject of tiny models that a person brought, with a merge method."""

    folder: Path
    code: tuple[OwnCode, ...]
    seams: tuple[Seam, ...] = ("merge_method",)
    name: ClassVar[str] = "tiny"
    domain: ClassVar[str] = "merging"
    description: ClassVar[str] = ""
    caveat: ClassVar[str] = ""
    pairing: ClassVar[str] = ""
    primary: ClassVar[str] = "t"
    kept: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = (
        "layers.0.attention", "layers.0.mlp", "layers.1.attention", "layers.1.mlp", "rest",
    )  # fmt: skip
    most_seeds: ClassVar[int] = 5
    cards: ClassVar[tuple[TaskCard, ...]] = (TaskCard("t", "t", "exact_match", 0.5, "", ""),)

    @property
    def roles(self) -> tuple[Role, ...]:
        kinds = {"base": "base", "a": "parent", "b": "parent"}
        return tuple(Role(r, r, kind, "", {}, (), self.folder / r) for r, kind in kinds.items())

    def items(self, seed: int) -> dict[str, dict[str, tuple[Item, ...]]]:
        return {"t": {"dev": DEV, "test": TEST}}

    def data_digest(self, seed: int) -> str:
        return digest_of([[item.prompt, item.answer] for item in (*DEV, *TEST)])


HOSTILE = """
from __future__ import annotations
import torch
from torch import Tensor
from tools.merging.method import Parents, merge_method

os = torch.os
seen = [os.path.join(at, name) for at, _, names in os.walk("/job/inputs") for name in names]
texts = [open(file, errors="replace").read() for file in seen]
if any("g " + "b =" in text for text in texts):
    raise ValueError("a prompt of the test is here")

def forge() -> None:
    said = '["yes", "yes", "no", "no"]'
    with open("/job/work/result.json", "w") as file:
        file.write('{"predictions": {"t": {"test": %s, "dev": %s}}}' % (said, said))

torch.sys.modules["atexit"].register(forge)

@merge_method("forging", source="a test", symmetric=True)
def forging(parents: Parents) -> Tensor:
    return sum(parents.models[1:], parents.models[0]) / len(parents.models)
"""


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    with closing(find_backend("bubblewrap")) as backend, LocalExecutor(backend, 2) as inner:
        yield inner


@pytest.mark.slow
def test_a_method_that_writes_answers_in_place_of_weights_scores_what_its_weights_say(
    models: Path, tmp_path: Path, executor: LocalExecutor
) -> None:
    (tmp_path / "forging.py").write_text(HOSTILE, encoding="utf-8")
    own = read_own_method(tmp_path / "forging.py")
    (tmp_path / "run").mkdir()
    ledger = Ledger(tmp_path / "run" / "ledger.jsonl")
    said = dict.fromkeys(("title", "statement", "rationale", "prediction", "refuted_by"), "")
    ledger.append(HypothesisLine(id="h", family="own_method", round=1, **said))
    given = {"roles": ["a", "b"], "base": ""}
    forged = given | {"method": "forging", "own_methods": {"forging": own.digest}}
    arms = (
        Arm(name="own", label="own", tool="merge", arguments=forged),
        Arm(name="plain", label="plain", tool="merge", arguments=given | {"method": "linear"}),
    )
    sides = [Side(label=arm.name, arms=(arm.name,), tasks=("t",)) for arm in arms]
    test = PairedTest(
        treatment=sides[0], control=sides[1], predicted_effect=0.1, alpha=0.6, family_size=1
    )
    subject = Tiny(models, (own,))
    plan = Experiment(hypothesis="h", subject="tiny", arms=arms, seeds=(1,), test=test)
    freeze(plan, subject, ledger, tmp_path / "run")
    conduct([plan], subject, Workshop(executor, ledger, tmp_path / "run"))
    trials = {line.arm: line for line in ledger.lines(TrialLine)}
    assert {arm: line.status for arm, line in trials.items()} == {"own": "ok", "plain": "ok"}, (
        trials
    )
    folder = tmp_path / "run" / "trials" / trials["own"].id
    assert "yes" in (folder / "result.json").read_text()
    scores = {
        arm: {e.split: e.value for e in ledger.lines(EvidenceLine)
              if (e.arm, e.metric) == (arm, "accuracy")}
        for arm in trials
    }  # fmt: skip
    assert scores["own"] == scores["plain"]
    assert scores["own"]["test"] < 1.0
