"""A block that was brought: read as text outside, held to the laws in a fresh sandbox."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox.backend import find_backend
from sandbox.errors import BadInput
from sandbox.executors.local import LocalExecutor
from sandbox.job import Job
from sandbox.outcome import Limit, Outcome, Verdict
from tests.tools.architectures import own_blocks as files
from tools import law_check, laws
from tools.architectures.own_block import LARGEST_BYTES, built_in, read_own_block
from tools.law_check import CheckStopped, LawCheck, check_laws


def test_a_file_is_read_without_running_it(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    file = files.written(tmp_path, "quiet", before=f"open({str(witness)!r}, 'w')\n")
    block = read_own_block(file)
    assert (block.name, block.label, block.mixes) == ("quiet", "Quiet", "sequence")
    assert block.constant_state
    assert not witness.exists()


@pytest.mark.slow
def test_names_of_built_in_blocks_are_those_of_the_registry() -> None:
    code = (
        "from tools.architectures.own_block import built_in\n"
        "import sys; assert 'torch' not in sys.modules; names = built_in()\n"
        "from tools.architectures.block import all_blocks\n"
        "print(sorted(names) == sorted(all_blocks()))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr
    assert "softmax_attention" in built_in()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def (", "x.py is not Python .line 1."),
        ("\0", "x.py is not Python"),
        ("import torch\n", "defines no @block"),
        ("import os\n", "imports os"),
        ("def f():\n    import subprocess\n", "imports subprocess"),
        ("from tools.conduct import conduct\n", "imports tools.conduct"),
        ("from torchvision import ops\n", "imports torchvision"),
        ("from . import other\n", "imports ."),
        ("@block(NAME)\nclass A: ...\n", "'' cannot be the name"),
        ("@block('mamba3')\nclass A: ...\n", "'mamba3' cannot be the name.*digits"),
        ("@block('../x')\nclass A: ...\n", "cannot be the name"),
        ("@block('rwkv')\nclass A: ...\n", "a built-in block is called 'rwkv'"),
        ("@block('a')\nclass A: ...\n@block('b')\nclass B: ...\n", "defines 2 blocks"),
        ("@block('a', mixes='time')\nclass A: ...\n", "mixes is 'time'"),
        ("@block('a', causal=False)\nclass A: ...\n", "looks ahead"),
        ("@block('a', causal=bool(1))\nclass A: ...\n", "causal is not written out"),
        ("#" * (LARGEST_BYTES + 1), f"has {LARGEST_BYTES + 1} bytes"),
        ("(" * 5000, "is not Python"),
    ],
)
def test_a_file_that_is_no_block_is_answered_in_one_sentence(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "x.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=says) as caught:
        read_own_block(file)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.py does not exist"):
        read_own_block(tmp_path / "gone.py")


def held(file: Path, folder: Path, cpu_s: float = 0.0) -> LawCheck:
    """The laws on a file, in the real sandbox."""
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(find_backend("bubblewrap")) as backend,
        LocalExecutor(backend, 1) as executor,
    ):
        if cpu_s:
            patch.setattr(law_check, "LIMITS", replace(law_check.LIMITS, cpu_s=cpu_s))
        return check_laws(read_own_block(file), executor, folder / "run")


@dataclass
class Claims:
    """An executor whose job only leaves what it is told to leave."""

    text: str = ""
    verdict: Verdict = "ok"
    limit: Limit = ""
    slots: int = 1

    def submit(self, job: Job) -> Future[Outcome]:
        (job.folder / "result.json").write_text(self.text, encoding="utf-8")
        reason = "it used more than its limit" if self.limit else ""
        made: Future[Outcome] = Future()
        made.set_result(Outcome(job.id, self.verdict, self.limit, reason, 0, 1.0, 1.0, 1, "a test"))
        return made

    def cancel(self) -> None: ...


class Never(Claims):
    """An executor whose job does not end."""

    def submit(self, job: Job) -> Future[Outcome]:
        return Future()


LAWS = laws.LAWS["block"]


def notes(**changed: str) -> str:
    said = dict.fromkeys(LAWS, "holds") | changed
    return json.dumps({"notes": [f"{law}: {what}" for law, what in said.items()]})


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        (Claims(""), "left no usable result"),
        (Claims("{}"), "does not speak of every law"),
        (Claims('{"notes": ["shape: holds"]}'), "does not speak of every law"),
        (Claims('{"notes": NaN}'), "left no usable result"),
        (Claims(notes(magic="holds")), "does not speak of every law"),
        (Claims(notes(causality="")), "causality: it does not say"),
        (Claims(notes(causality="bro\x1b[2Jken\n" + "x" * 9999)), r"causality: bro \[2Jken x"),
        (Claims(notes(decoding="not reached")), "not every law was tried"),
        (Claims(notes(), "killed", "memory"), "it used more than its limit"),
    ],
)
def test_a_job_that_says_nothing_usable_is_a_check_that_failed(
    tmp_path: Path, claims: Claims, says: str
) -> None:
    found = check_laws(read_own_block(files.HONEST), claims, tmp_path)
    assert not found.lawful
    assert re.search(says, found.sentence)
    assert found.sentence.isprintable()
    assert len(found.sentence) < 500


def test_a_check_that_is_stopped_is_made_again_later(tmp_path: Path) -> None:
    block, stop = read_own_block(files.HONEST), threading.Event()
    stop.set()
    for stopped in (Never(), Claims(notes(), "killed", "cancelled")):
        with pytest.raises(CheckStopped):
            check_laws(block, stopped, tmp_path, stop)
    assert check_laws(block, Claims(notes()), tmp_path).lawful


@pytest.mark.slow
def test_the_example_obeys_every_law_and_is_not_checked_twice(tmp_path: Path) -> None:
    found = held(files.HONEST, tmp_path)
    assert found.lawful, found.sentence
    assert found.laws == dict.fromkeys(LAWS, "holds")
    assert found.isolation == "bubblewrap"
    again = check_laws(found.code, None, tmp_path / "run")  # type: ignore[arg-type]
    assert again == found


@pytest.mark.slow
def test_a_block_that_looks_ahead_breaks_the_law_of_causality(tmp_path: Path) -> None:
    file = files.written(tmp_path, "peeking", "return self.out(x.flip(1))")
    found = held(file, tmp_path)
    assert not found.lawful
    assert "causality: outputs before position 1 change" in found.sentence
    assert found.laws["shape"] == "holds"
    assert found.laws["decoding"] == "not asked"


@pytest.mark.slow
def test_a_block_that_raises_is_not_lawful_and_its_words_are_kept(tmp_path: Path) -> None:
    file = files.written(tmp_path, "raising", 'raise ValueError("no luck\\x1b[31m today")')
    found = held(file, tmp_path)
    assert not found.lawful
    assert found.laws == {}
    assert "ValueError: no luck" in found.sentence
    assert found.sentence.isprintable()


@pytest.mark.slow
def test_a_block_cannot_read_the_host_or_write_to_it(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("a secret of the host", encoding="utf-8")
    places = [str(canary), "/etc/shadow", str(Path.home() / ".ssh"), "/usr/lib/planted.py"]
    before = (
        "said = []\n"
        f"for place in {places!r}:\n"
        "    for mode in ('r', 'w'):\n"
        "        try:\n"
        "            with open(place, mode) as file:\n"
        "                said.append(file.read() if mode == 'r' else 'written')\n"
        "        except OSError:\n"
        "            pass\n"
        "if said:\n"
        "    raise ValueError(f'reached the host: {said}')\n"
        "raise ValueError('nothing was reached')\n"
    )
    found = held(files.written(tmp_path, "prying", before=before), tmp_path)
    assert not found.lawful
    assert "nothing was reached" in found.sentence
    assert canary.read_text(encoding="utf-8") == "a secret of the host"
    assert not Path("/usr/lib/planted.py").exists()


@pytest.mark.slow
def test_a_block_that_never_ends_is_killed_and_the_limit_is_named(tmp_path: Path) -> None:
    file = files.written(tmp_path, "endless", before="while True:\n    pass\n")
    found = held(file, tmp_path, cpu_s=6.0)
    assert not found.lawful
    assert "CPU" in found.sentence


@pytest.mark.slow
def test_a_block_that_declares_others_or_takes_a_known_name_is_refused(tmp_path: Path) -> None:
    before = (
        "from tools.architectures.block import block as b\n"
        "import torch\n"
        "def declare(name):\n"
        "    class X(torch.nn.Module): ...\n"
        "    b(name, source='', reference=None)(X)\n"
        "declare('softmax_' + 'attention')\n"
    )
    found = held(files.written(tmp_path, "usurping", before=before), tmp_path)
    assert "declares softmax_attention in place of usurping alone" in found.sentence
