"""What comes back of a job, and how; what must not is in tests/sandbox/attacks/outputs.py."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.collect import collect, read_json
from sandbox.errors import OutputRejected
from tests.sandbox.attacks.attack import SMALL
from tests.sandbox.conftest import Attempt


def test_only_the_names_of_the_policy_come_back(confined: Attempt) -> None:
    script = (
        "import os\nos.mkdir('model')\nfor name in ('model/a', 'model/b', 'c'):\n"
        "    open(name, 'w').write(name)"
    )
    outcome = confined(script, replace(SMALL, outputs=("model/*", "absent")))
    assert set(outcome.outputs) == {"model/a", "model/b"}
    assert outcome.rejected == {}
    assert outcome.outputs["model/a"].path.read_text() == "model/a"


def test_a_failed_job_still_gives_what_it_left(confined: Attempt) -> None:
    outcome = confined("open('result.json', 'w').write('{}')\nraise SystemExit(3)")
    assert (outcome.verdict, outcome.exit_code) == ("failed", 3)
    assert outcome.outputs["result.json"].bytes == 2


def test_what_is_in_the_folder_already_is_replaced_not_followed(tmp_path: Path) -> None:
    work, folder = tmp_path / "work", tmp_path / "folder"
    work.mkdir()
    folder.mkdir()
    (work / "result.json").write_text("new")
    precious = tmp_path / "precious"
    precious.write_text("old")
    (folder / "result.json").symlink_to(precious)
    descriptor = os.open(work, os.O_RDONLY)
    try:
        collect(descriptor, SMALL, folder)
    finally:
        os.close(descriptor)
    assert precious.read_text() == "old"
    assert (folder / "result.json").read_text() == "new"


def test_plain_json_is_read(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    value = {"a": [1, -2.5e-3, True, None, 'quote " and [ bracket'], "한지": {"b": "\\"}}
    path.write_text(json.dumps(value))
    assert read_json(path) == value


def test_json_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "result.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(OutputRejected, match="symbolic link"):
        read_json(tmp_path / "result.json")
