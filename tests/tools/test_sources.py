"""The digest of the code that runs in trials notices what matters."""

import shutil
from pathlib import Path

import pytest

import tools
from tools.sources import code_digest


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    here = Path(tools.__file__).parent
    for name in ("merging", "tasks"):
        shutil.copytree(here / name, tmp_path / name)
    for name in ("worker.py", "trial.py", "bench.py", "evaluations.py", "freeze.py"):
        shutil.copyfile(here / name, tmp_path / name)
    monkeypatch.setattr("tools.sources._HERE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["merging/__init__.py", "tasks/task.py", "trial.py", "evaluations.py"]
)
def test_code_that_runs_in_trials_is_part_of_their_identity(copy, name):
    before = code_digest()
    assert before == code_digest()
    with (copy / name).open("a") as file:
        file.write("# changed\n")
    assert code_digest() != before


def test_code_that_stays_outside_is_not(copy):
    before = code_digest()
    (copy / "freeze.py").write_text("")
    assert code_digest() == before
