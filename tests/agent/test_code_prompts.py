"""What a model is told about code: an example that obeys the laws, and what is there already."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from agent.minds.language_model.exploring import code_told
from tools.architectures.subject import ArchitectureSuite
from tools.kind import KINDS
from tools.merging.method import all_methods
from tools.merging.miniature import Miniature

HANJI = Path(sys.executable).parent / "hanji"


def example(seam: str, folder: Path) -> Path:
    """The file that the prompt shows."""
    text = (files("agent.prompts") / f"code_{seam}.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    path = folder / "example.py"
    path.write_text(shown, encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("seam", KINDS)
def test_the_example_of_a_prompt_obeys_the_laws(seam: str, tmp_path: Path) -> None:
    command = [HANJI, KINDS[seam].command, "check", example(seam, tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_study_of_merges_is_told_how_to_write_one_and_which_are_there() -> None:
    told = code_told(Miniature("quick"))
    assert "@merge_method(" in told
    assert "task_arithmetic(normalize=False, lambda=1.0)" in told
    assert all(name in told for name in all_methods())


def test_a_study_of_architectures_is_told_how_to_write_each_of_the_kinds_that_it_knows() -> None:
    told = code_told(ArchitectureSuite("quick"))
    assert "@block(" in told
    assert "@objective(" in told
    assert "@drawn_task(" in told
    assert "@merge_method(" not in told
