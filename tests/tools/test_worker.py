"""The worker: what a trial does inside its sandbox."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from sandbox.errors import BadInput
from tests.tools.tiny_models import save
from tools import worker
from tools.tasks.task import Item, Question, TaskView
from tools.trial import SearchPoint, TrialResult

DEV = tuple(Item(f"{a} =", "yes" if a in "abc" else "no") for a in "abcdef")
VIEW = TaskView("t", "exact_match", DEV, tuple(Question(f"{a} b =") for a in "ghij"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("worker")
    for seed, role in enumerate(("base", "a", "b")):
        save(root / role, seed=seed)
    return root


def inputs(root: Path, models: Path, tool: str, arguments: dict, **more: object) -> Path:
    folder = root / "inputs"
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    if not (folder / "models").exists():
        (folder / "models").symlink_to(models)
    (folder / "tasks" / "t.json").write_text(json.dumps(asdict(VIEW)))
    call = {"tool": tool, "arguments": arguments, "seed": 1, "roles": ["base", "a", "b"]}
    (folder / "call.json").write_text(json.dumps(call | {"tasks": ["t"]} | more))
    (root / "work").mkdir(exist_ok=True)
    return folder


def result(root: Path) -> TrialResult:
    return TrialResult.model_validate_json((root / "work" / "result.json").read_bytes())


SEARCH = {"task": "t", "roles": ["a", "b"], "evaluations": 30}


def test_a_search_resumed_from_its_own_output_gives_a_bit_identical_result(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.main(inputs(tmp_path, models, "search", SEARCH), tmp_path / "work")
    whole = result(tmp_path)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["evaluation"] for line in lines] == list(range(1, 31))
    for done in (1, 14, 29):
        again = inputs(tmp_path, models, "search", SEARCH, journal=lines[:done])
        worker.main(again, tmp_path / "work")
        assert result(tmp_path) == whole
        assert [json.loads(x) for x in capsys.readouterr().out.splitlines()] == lines


@pytest.mark.slow
def test_the_worker_runs_as_a_module_and_leaves_nothing_half_written(
    tmp_path: Path, models: Path
) -> None:
    folder = inputs(tmp_path, models, "evaluate", {"role": "a"})
    command = [sys.executable, "-P", "-m", "tools.worker", str(folder), str(tmp_path / "work")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in (tmp_path / "work").iterdir()] == ["result.json"]
    found = result(tmp_path)
    assert len(found.predictions["t"]["dev"]) == 6
    assert len(found.predictions["t"]["test"]) == 4


def test_a_wrong_call_is_one_sentence_and_no_result(tmp_path: Path, models: Path) -> None:
    folder = inputs(tmp_path, models, "merge", {"roles": ["a", "b"], "method": "tise"})
    with pytest.raises(BadInput, match="unknown merge method 'tise'"):
        worker.main(folder, tmp_path / "work")
    assert not (tmp_path / "work" / "result.json").exists()


def test_a_journal_is_read_up_to_its_first_gap_and_each_line_once() -> None:
    def point(number: int) -> SearchPoint:
        return SearchPoint(evaluation=number, fitness=0.0, best=0.0)

    journal = tuple(map(point, (2, 1, 1, 4)))
    assert [p.evaluation for p in worker.in_order(journal)] == [1, 2]
