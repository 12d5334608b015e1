"""A merge method that was brought: read as text outside, held to the laws in a fresh sandbox."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.backend import find_backend
from sandbox.errors import BadInput
from sandbox.executors.local import LocalExecutor
from tools.law_check import LawCheck, check_laws
from tools.laws import LAWS
from tools.merging.method import MergeMethod, Parents, all_methods, find_method
from tools.merging.method_laws import broken_laws
from tools.merging.miniature import Miniature
from tools.merging.own_method import METHOD, brought_methods, read_own_method
from tools.own_code import LARGEST_BYTES, brought_code, with_code

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_method" / "consensus.py"
HEAD = """from __future__ import annotations
import torch
from torch import Tensor
from tools.merging.method import Parents, merge_method
"""


def written(folder: Path, name: str, body: str, declared: str = "", parameters: str = "") -> Path:
    """A file with a method of that name, whose body is `body`."""
    file = folder / f"{name}.py"
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    decorator = f'@merge_method("{name}", source="a test"{declared})'
    file.write_text(
        f"{HEAD}\n{decorator}\ndef {name}(parents: Parents{parameters}) -> Tensor:\n{lines}\n",
        encoding="utf-8",
    )
    return file


def test_the_example_is_read_without_running_it(tmp_path: Path) -> None:
    own = read_own_method(EXAMPLE)
    assert (own.name, own.label, own.seam) == ("consensus", "Consensus", "merge_method")
    assert own.needs_base
    assert own.parameters == (("doubt", 0.5),)
    assert own.input == "methods/consensus.py"
    witness = tmp_path / "ran"
    file = written(tmp_path, "quiet", "return parents.models[0]")
    file.write_text(file.read_text() + f"open({str(witness)!r}, 'w')\n", encoding="utf-8")
    assert read_own_method(file).name == "quiet"
    assert not witness.exists()


def test_names_of_built_in_methods_are_those_of_the_registry() -> None:
    assert METHOD.names() == set(all_methods())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def (", "x.py is not Python .line 1."),
        ("import torch\n", "defines no @merge_method"),
        ("import os\n", "imports os"),
        ("from tools.conduct import conduct\n", "imports tools.conduct"),
        ("from tools.architectures.block import block\n", "imports tools.architectures"),
        ("@merge_method('ties')\ndef f(p): ...\n", "a built-in merge method is called 'ties'"),
        ("@merge_method('slerp2')\ndef f(p): ...\n", "'slerp2' cannot be the name.*digits"),
        ("@merge_method('../x')\ndef f(p): ...\n", "cannot be the name"),
        ("@merge_method('a')\ndef a(p): ...\n@merge_method('b')\ndef b(p): ...\n", "defines 2"),
        ("@merge_method('a', needs_base=1)\ndef f(p): ...\n", "needs_base is 1"),
        (
            "@merge_method('a', needs_base=bool(1))\ndef f(p): ...\n",
            "needs_base is not written out",
        ),
        ("@merge_method('a', most_models=1)\ndef f(p): ...\n", "most_models is 1"),
        ("@merge_method('a')\ndef f(): ...\n", "must take the parents"),
        ("@merge_method('a')\ndef f(p, *more): ...\n", "must take the parents"),
        ("@merge_method('a')\ndef f(p, x: float): ...\n", "has no default"),
        ("@merge_method('a')\ndef f(p=1, x: float = 1.0): ...\n", "has no default"),
        ("@merge_method('a')\ndef f(p, x=1.0): ...\n", "type hint ''"),
        ("@merge_method('a')\ndef f(p, x: str = 'a'): ...\n", "type hint 'str'"),
        ("@merge_method('a')\ndef f(p, x: float = True): ...\n", "default of x is no float"),
        ("@merge_method('a')\ndef f(p, x: bool = 1): ...\n", "default of x is no bool"),
        ("@merge_method('a')\ndef f(p, x: float = 1e999): ...\n", "default of x is no float"),
        ("#" * (LARGEST_BYTES + 1), f"has {LARGEST_BYTES + 1} bytes"),
    ],
)
def test_a_file_that_is_no_method_is_answered_in_one_sentence(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "x.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=says) as caught:
        read_own_method(file)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


def test_a_subject_is_given_methods_and_refuses_what_it_has_no_use_for() -> None:
    own, plain = read_own_method(EXAMPLE), Miniature("quick")
    subject = with_code(plain, [own])
    assert list(brought_methods(subject)) == ["consensus"]
    assert brought_code(plain) == {}
    assert subject.items(1) == plain.items(1)
    with pytest.raises(BadInput, match="brought already"):
        with_code(subject, [own])


@pytest.mark.parametrize("name", sorted(all_methods()))
def test_every_built_in_method_obeys_the_laws(name: str) -> None:
    assert broken_laws(find_method(name)) == []


def average(parents: Parents):  # type: ignore[no-untyped-def]
    return sum(parents.models[1:], parents.models[0]) / len(parents.models)


@pytest.mark.parametrize(
    ("law", "function", "declared"),
    [
        ("kept", lambda p: average(p).double(), {}),
        ("kept", lambda p: average(p).flatten()[:3], {}),
        ("kept", lambda p: 1.0, {}),
        ("values", lambda p: p.models[0] / p.models[0].abs().clamp(max=0), {}),
        ("repeat", lambda p: average(p) + 1e-3 * average(p).clone().normal_(), {}),
        ("repeat", lambda p: p.models[0].mul_(0.5).add_(p.models[1], alpha=0.5), {}),
        ("identity", lambda p: sum(p.models[1:], p.models[0]), {}),
        ("identity", lambda p: average(p) if p.base is None else p.base, {"normalised": True}),
        ("order", lambda p: p.models[0], {}),
        ("weights", average, {"selects": True}),
    ],
)
def test_each_law_finds_the_method_that_breaks_it(law, function, declared) -> None:  # type: ignore[no-untyped-def]
    flags = {"needs_base": False, "symmetric": True, "normalised": False, "most_models": 64}
    method = MergeMethod("guilty", "", "", function=function, **(flags | declared))
    assert law in {line.partition(": ")[0] for line in broken_laws(method)}


def held(file: Path, folder: Path) -> LawCheck:
    """The laws on a file, in the real sandbox."""
    with (
        closing(find_backend("bubblewrap")) as backend,
        LocalExecutor(backend, 1) as executor,
    ):
        return check_laws(read_own_method(file), executor, folder / "run")


@pytest.mark.slow
def test_the_example_obeys_every_law_in_a_sandbox(tmp_path: Path) -> None:
    found = held(EXAMPLE, tmp_path)
    assert found.lawful, found.sentence
    assert found.laws == dict.fromkeys(LAWS["merge_method"], "holds")
    assert found.isolation == "bubblewrap"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "declared", "says"),
    [
        ("return parents.models[0]", "", "breaks a law of merging: order: another order"),
        ("return parents.models[0]", ", symmetric=False, selects=True", "weights: one for a model"),
        ("raise ValueError('no luck')", "", "could not be tried.*ValueError: no luck"),
        ("return parents.ancestor", "", "could not be tried.*needs a base model"),
    ],
)
def test_a_method_that_is_not_lawful_is_told_why(
    tmp_path: Path, body: str, declared: str, says: str
) -> None:
    found = held(written(tmp_path, "unfit", body, declared), tmp_path)
    assert not found.lawful
    assert re.search(says, found.sentence), found.sentence
    assert not Path(found.said).is_absolute()


@pytest.mark.slow
def test_a_method_that_declares_another_too_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "usurping", "return parents.models[0]")
    more = "\nagain = merge_method\nagain('ties', source='')(usurping)\n"
    file.write_text(file.read_text() + more, encoding="utf-8")
    assert "declares ties in place of usurping alone" in held(file, tmp_path).sentence


@pytest.mark.slow
def test_the_command_prints_the_laws_one_by_one(tmp_path: Path) -> None:
    hanji = Path(sys.executable).parent / "hanji"
    done = subprocess.run(
        [hanji, "methods", "check", EXAMPLE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:6]] == list(LAWS["merge_method"])
    bad = written(tmp_path, "unfit", "return parents.models[0]")
    said = subprocess.run(
        [hanji, "methods", "check", "--json", bad], capture_output=True, text=True, check=False
    )
    facts = json.loads(said.stdout)
    assert said.returncode == 1
    assert (facts["method"], facts["lawful"]) == ("unfit", False)
