"""A job that answers from what another left says what one job that does both would have said."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from sandbox.errors import BadInput, OutputRejected
from tools import worker
from tools.architectures.apart import ARCHITECTURE, WEIGHTS, check_architecture
from tools.tasks.asked import items_of
from tools.tasks.sequence import find_sequence_task
from tools.tasks.task import Question, TaskView
from tools.tasks.variation import varied
from tools.tool import all_tools, find_tool
from tools.trial import TrialResult

pytestmark = pytest.mark.slow
SMALL = {"length": 16, "vocabulary": 16, "pairs": 2, "train": 64, "dev": 8, "test": 12}
FEW = {"train": 64, "dev": 8, "test": 12}


def body(mixer: str = "softmax_attention", layers: int = 1, **more: object) -> dict[str, object]:
    return {"width": 16, "layers": [{"mixer": {"block": mixer}}] * layers} | more


ROUTED = {"width": 16, "layers": [{"channel": {"block": "mixture_of_experts"}}]}
BASE = {"task": "mqar", "changes": SMALL, "rates": [1e-2], "steps": 3, "batch": 8}
TRAIN = "train_architecture"
CALLS = {
    "blocks": (TRAIN, {"architecture": body()}),
    "tied, learned positions": (TRAIN, {"architecture": body(tied=True, position="learned")}),
    "a buffer": (TRAIN, {"architecture": ROUTED}),
    "matched": (
        TRAIN,
        {"architecture": body(), "match": {"quantity": "parameters", "like": body(width=24)}},
    ),
    "of transformers": (TRAIN, {"architecture": {"family": "llama", "width": 16, "tied": True}}),
    "in ticks": (
        TRAIN,
        {"architecture": {"thinker": "lstm", "ticks": 3}, "task": "parity", "changes": FEW},
    ),
    "many heads": (
        TRAIN, {"architecture": body(), "objective": {"name": "multi_token"}},
    ),
    "read at the end": (TRAIN, {"architecture": body(), "task": "compression", "changes": FEW}),
    "in bits": (
        TRAIN, {"architecture": body(), "task": "text", "changes": FEW | {"length": 16}},
    ),
    "a world": (
        TRAIN,
        {"architecture": body("bidirectional_attention"), "task": "grid_world",
         "changes": FEW | {"rollout": 3}},
    ),
    "int8": ("compress_architecture", {"architecture": body(), "form": "int8"}),
    "pruned": ("compress_architecture", {"architecture": body(), "form": "pruned"}),
    "distilled": (
        "distil_architecture",
        {"architecture": body(), "teacher": {"architecture": body(), "steps": 2}},
    ),
    "up-scaled": (
        "upscale_architecture",
        {"architecture": body(), "scheme": "stack", "steps": 6, "rates": [1e-3, 3e-3, 1e-2]},
    ),
    "found": (
        "search_architecture",
        {"start": [body()], "match": {"quantity": "parameters", "like": body()},
         "evaluations": 2, "search_steps": 1, "rates": [1e-3, 3e-3, 1e-2]},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def worked(root: Path, view: TaskView, **call: object) -> TrialResult:
    """What a job leaves that is given this call and this task."""
    (root / "tasks").mkdir(parents=True)
    (root / "work").mkdir()
    (root / "tasks" / f"{view.name}.json").write_text(json.dumps(asdict(view)))
    (root / "call.json").write_text(json.dumps(call | {"tasks": [view.name]}))
    worker.main(root, root / "work")
    return TrialResult.model_validate_json((root / "work" / "result.json").read_bytes())


def views(arguments: dict[str, object]) -> tuple[TaskView, TaskView, TaskView]:
    """The task for one job that does all, for one that makes, and for one that answers."""
    task = find_sequence_task(str(arguments["task"]))
    size = varied(task.sizes["quick"], arguments["changes"])  # type: ignore[arg-type]
    dev, test = (items_of(task.data(part, 1, size)) for part in ("dev", "test"))
    asked = tuple(Question(item.prompt) for item in test)
    every = (*(Question(item.prompt) for item in dev), *asked)
    kind = "positions" if task.scored == "accuracy" else "bits"
    return (
        TaskView(task.name, kind, dev, asked),
        TaskView(task.name, kind, dev, ()),
        TaskView(task.name, kind, (), every),
    )


@pytest.mark.parametrize("kind", CALLS)
def test_another_job_answers_as_one_job_would_have(kind: str, tmp_path: Path) -> None:
    tool, more = CALLS[kind]
    arguments = BASE | more
    whole, shown, asked = views(arguments)
    call = {"tool": tool, "arguments": arguments}
    together = worked(tmp_path / "one", whole, **call, seed=1)
    made = worked(tmp_path / "two", shown, **call, seed=1, step="make")
    assert made.predictions == {}
    left = tmp_path / "two" / "work" / "model"
    assert sorted(file.name for file in left.iterdir()) == [ARCHITECTURE, WEIGHTS]
    check_architecture(find_tool(tool).check(arguments), left)  # type: ignore[arg-type]
    (tmp_path / "three" / "models").mkdir(parents=True)
    (tmp_path / "three" / "models" / "made").symlink_to(left)
    answered = worked(tmp_path / "three", asked, **call, step="answer", roles=["made"])
    said = together.predictions[whole.name]
    assert answered.predictions[whole.name]["test"] == [*said["dev"], *said["test"]]
    assert (made.steps, made.search, made.found) == (
        together.steps,
        together.search,
        together.found,
    )


@pytest.mark.parametrize(
    ("left", "match", "says"),
    [
        ('{"width": 16', None, "not acceptable JSON"),
        ('{"width": "wide"}', None, "is no architecture"),
        (json.dumps(body("bidirectional_attention")), None, "is not that of the call"),
        (json.dumps(body() | {"width": 32}), None, "is not that of the call"),
        (json.dumps(body() | {"width": 32}), {"quantity": "parameters", "target": 9e3}, ""),
        (
            json.dumps(body("bidirectional_attention")),
            {"quantity": "parameters", "target": 9e3},
            "is not that of the call",
        ),
    ],
)
def test_only_the_architecture_of_the_call_may_answer_for_it(
    left: str, match: dict[str, object] | None, says: str, tmp_path: Path
) -> None:
    arguments = find_tool(TRAIN).check(BASE | {"architecture": body(), "match": match})
    (tmp_path / ARCHITECTURE).write_text(left)
    if not says:
        return check_architecture(arguments, tmp_path)  # type: ignore[arg-type]
    with pytest.raises(OutputRejected, match=says):
        check_architecture(arguments, tmp_path)  # type: ignore[arg-type]


def test_weights_that_do_not_fit_are_refused_in_one_sentence(tmp_path: Path) -> None:
    arguments = BASE | {"architecture": body()}
    _, shown, asked = views(arguments)
    call = {"tool": TRAIN, "arguments": arguments}
    worked(tmp_path / "one", shown, **call, seed=1, step="make")
    left = tmp_path / "one" / "work" / "model"
    (left / ARCHITECTURE).write_text(json.dumps(body(layers=2)))
    (tmp_path / "two" / "models").mkdir(parents=True)
    (tmp_path / "two" / "models" / "made").symlink_to(left)
    with pytest.raises(BadInput, match="do not fit the architecture"):
        worked(tmp_path / "two", asked, **call, step="answer", roles=["made"])


def test_every_tool_that_runs_code_that_was_brought_answers_in_another_job() -> None:
    sandboxed = [tool for tool in all_tools().values() if tool.place == "sandbox"]
    fields = ("own_blocks", "own_methods", "own_objectives")
    running = [t for t in sandboxed if any(f in t.arguments.model_fields for f in fields)]
    assert {tool.name for tool in running if tool.answer is None} == {"compare_speed"}
    with pytest.raises(BadInput, match="code that is not built in runs in the process"):
        find_tool("compare_speed").check(
            BASE | {"task": "text", "changes": {}, "architecture": body(), "baseline": body(),
                    "own_blocks": {"softmax_attention": "0" * 64}}
        )  # fmt: skip
