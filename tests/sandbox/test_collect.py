"""Outputs are hostile: what is not a plain, bounded file of its own never comes back."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.collect import collect, read_json
from sandbox.errors import OutputRejected
from sandbox.policy import MIB
from tests.sandbox.conftest import SMALL, Attempt

REFUSED = {
    "a symbolic link": ("os.symlink('/etc/passwd', 'result.json')", "symbolic link"),
    "a link to another output": (
        "open('x', 'w').close(); os.symlink('x', 'result.json')",
        "symbolic link",
    ),
    "a hard link": ("open('x', 'w').close(); os.link('x', 'result.json')", "2 links"),
    "a pipe": ("os.mkfifo('result.json')", "not a regular file"),
    "a socket": (
        "import socket; socket.socket(socket.AF_UNIX).bind('result.json')",
        "not a regular file",
    ),
    "a folder": ("os.mkdir('result.json')", "not a regular file"),
    "too long a file": ("open('result.json', 'w').truncate(9 << 20)", "are allowed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_output_is_refused_that_is(name: str, confined: Attempt) -> None:
    script, why = REFUSED[name]
    outcome = confined(
        f"import os\n{script}", replace(SMALL, file_bytes=10 * MIB, disk_bytes=8 * MIB)
    )
    assert outcome.outputs == {}
    assert why in outcome.rejected["result.json"]


def test_an_output_below_a_linked_folder_is_refused(confined: Attempt) -> None:
    script = "import os\nos.mkdir('real')\nopen('real/x', 'w').close()\nos.symlink('real', 'model')"
    outcome = confined(script, replace(SMALL, outputs=("model/*", "model/x")))
    assert outcome.outputs == {}
    assert set(outcome.rejected) == {"model/*", "model/x"}


def test_only_the_names_of_the_policy_come_back(confined: Attempt) -> None:
    script = (
        "import os\nos.mkdir('model')\nfor name in ('model/a', 'model/b', 'c'):\n"
        "    open(name, 'w').write(name)"
    )
    outcome = confined(script, replace(SMALL, outputs=("model/*", "absent")))
    assert set(outcome.outputs) == {"model/a", "model/b"}
    assert outcome.rejected == {}
    assert outcome.outputs["model/a"].path.read_text() == "model/a"


def test_a_name_that_could_fool_a_shell_or_a_terminal_is_refused(confined: Attempt) -> None:
    script = (
        "import os\nos.mkdir('model')\n"
        "for name in ('-rf', 'a\\nb', 'c\\x1b[31m', 'fine'): open('model/' + name, 'w').close()"
    )
    outcome = confined(script, replace(SMALL, outputs=("model/*",)))
    assert set(outcome.outputs) == {"model/fine"}
    assert len(outcome.rejected) == 3
    assert all(name.isprintable() for name in outcome.rejected)


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


def test_an_output_never_takes_the_place_of_what_the_sandbox_writes(fresh: Attempt) -> None:
    script = "for name in ('stdout.log', 'outcome.json', 'fine'): open(name, 'w').write('forged')"
    outcome = fresh("print('true')\n" + script, replace(SMALL, outputs=("*",)))
    assert set(outcome.outputs) == {"fine"}
    assert set(outcome.rejected) == {"stdout.log", "outcome.json"}
    assert outcome.outputs["fine"].path.with_name("stdout.log").read_text() == "true\n"


HOSTILE_JSON = {
    "too long": '{"a": "' + "x" * (1 << 20) + '"}',
    "deep": "[" * 40 + "]" * 40,
    "very deep": "[" * 100_000 + "]" * 100_000,
    "not a number": '{"a": NaN}',
    "infinite": '{"a": -Infinity}',
    "overflowing": '{"a": 1e999}',
    "twice the same key": '{"a": 1, "a": 2}',
    "five thousand digits": '{"a": ' + "1" * 5000 + "}",
    "five thousand decimals": '{"a": 0.' + "1" * 5000 + "}",
    "half a surrogate": '{"a": "\\ud800"}',
    "a string without end": '"' + '\\"' * 500_000,
    "a string that ends in an escape": '["' + "\\" * 999_999,
    "cut short": '{"a": 1',
    "empty": "",
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_json_is_refused_that_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(HOSTILE_JSON[name])
    with pytest.raises(OutputRejected):
        read_json(path)


def test_json_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(OutputRejected):
        read_json(path)


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
