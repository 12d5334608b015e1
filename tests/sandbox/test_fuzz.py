"""Whatever a job leaves, the readers outside answer with a value or a refusal, in bounded memory.

A few seconds here; `make test-full` searches for ten minutes of CPU time (HANJI_FUZZ_S sets the
seconds), so that a busy machine searches as far as an idle one, and prints how many it tried.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import struct
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from papers.latex.log import first_error, problems
from sandbox.collect import collect, longest_file, read_json
from sandbox.errors import BadInput, OutputRejected
from sandbox.hostile_json import parse_json
from sandbox.hostile_tensors import tensor_heads
from sandbox.logs import TAIL_SHOWN_BYTES, BoundedLog, escaped
from sandbox.policy import Policy
from sandbox.watch import _exit_code
from tools.merging.checkpoint import open_checkpoint
from tools.trial import TrialResult

SEARCH_S = float(os.environ.get("HANJI_FUZZ_S", "600"))
ROOM_BYTES, ROOM_TIMES = 8 << 20, 200  # what reading may take: so much, and so often the size
SECRET, SECRET_FILE = "what stands outside", "../secret"

PROPERTIES: dict[str, Callable[..., Callable[[], None]]] = {}


def holds_for(*strategies: st.SearchStrategy[object]) -> Callable[[Callable[..., None]], None]:
    """Keep a property under its name, to be searched afresh each time."""

    def keep(check: Callable[..., None]) -> None:
        PROPERTIES[check.__name__] = lambda: given(*strategies)(check)

    return keep


numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**63, 10**50, -1, 1e308, 1e-320, math.nan, math.inf]),
)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)
pieces = st.sampled_from(
    (
        *('"', "\\", "\\u", "d800", "[", "]", "{", "}", ",", ":", "NaN", "1e999", "0.", "9" * 50),
        *("\x00", '"a":', "[" * 40, "-", "true", "\ufeff", "\\ud83d", " ", "\n", "é"),
    )
)
texts = st.one_of(
    values.map(json.dumps),
    st.lists(pieces, max_size=40).map("".join),
    st.tuples(values.map(json.dumps), st.integers(0, 200), pieces).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] :]
    ),
)
documents = st.one_of(
    st.binary(max_size=300), texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
)
results = st.dictionaries(
    st.sampled_from([*TrialResult.model_fields, "more"]), values, max_size=6
).map(json.dumps)


@holds_for(documents)
def json_is_read_or_refused(data: bytes) -> None:
    with bounded_memory(len(data)), contextlib.suppress(OutputRejected):
        value = parse_json(data, "result.json")
        json.dumps(value, allow_nan=False).encode()
        assert deepest(value) <= 32


def deepest(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    nested = isinstance(value, dict | list)
    return nested + max((deepest(one) for one in inner), default=0)


@holds_for(st.one_of(documents, results.map(str.encode)))
def a_result_is_read_or_refused(data: bytes) -> None:
    with scratch() as folder:
        (folder / "result.json").write_bytes(data)
        with contextlib.suppress(OutputRejected, ValidationError):
            TrialResult.model_validate(read_json(folder / "result.json"))


sizes = st.one_of(st.integers(-2, 40), st.sampled_from([2**31, 2**62, 2**64, 10**30]))
odd = st.one_of(sizes, st.none(), st.text(max_size=3), st.floats(), st.booleans())
entries = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "BF16", "U8", "BOOL", "F4", "", None, 3]),
        "shape": st.lists(odd, max_size=10) | odd,
        "data_offsets": st.lists(odd, max_size=3) | odd,
        "more": odd,
    },
)
headers = st.dictionaries(
    st.text(max_size=6) | st.just("__metadata__"), entries | values, max_size=4
).map(json.dumps)


@holds_for(
    st.one_of(documents, headers.map(str.encode)),
    st.binary(max_size=64),
    st.none() | st.integers(0, 2**64 - 1),
)
def a_safetensors_header_is_read_or_refused(header: bytes, data: bytes, length: int | None) -> None:
    said = len(header) if length is None else length
    with scratch() as folder, bounded_memory(len(header)):
        file = folder / "model.safetensors"
        file.write_bytes(struct.pack("<Q", said) + header + data)
        (folder / "config.json").write_bytes(header)
        with contextlib.suppress(OutputRejected):
            for head in tensor_heads(file).values():
                assert math.prod(head.shape) <= 8 * len(data)
        with contextlib.suppress(BadInput):
            open_checkpoint(folder)


names = st.one_of(
    st.sampled_from(["result.json", "model", "x", "-rf", "a\nb", "\udcff", "...", "stdout.log"]),
    st.binary(min_size=1, max_size=12)
    .filter(lambda name: not {b"/", b"\0"} & {bytes([byte]) for byte in name})
    .map(os.fsdecode)
    .filter(lambda name: name not in (".", "..")),
)
makers = st.sampled_from(["file", "long", "sparse", "link", "loop", "outside", "hard", "pipe"])
trees = st.lists(st.tuples(st.sampled_from([".", "model"]), names, makers), max_size=8)
patterns = st.lists(
    st.sampled_from(["result.json", "*", "model/*", "model/x", "../secret", "/etc/passwd", "[x]*"]),
    min_size=1,
    max_size=3,
)


@holds_for(trees, patterns)
def a_workspace_is_collected_or_refused(
    tree: list[tuple[str, str, str]], wanted: list[str]
) -> None:
    policy = Policy(file_bytes=4096, disk_bytes=6000, inodes=6, outputs=tuple(wanted))
    with scratch() as root:
        work, left = root / "work", root / "left"
        (work / "model").mkdir(parents=True)
        left.mkdir()
        (root / "secret").write_text(SECRET)
        for parent, name, kind in tree:
            with contextlib.suppress(OSError):
                make(work / parent / name, kind)
        taken(work, policy, left)


def taken(work: Path, policy: Policy, left: Path) -> None:
    """Collect, and look at all that came."""
    descriptor = os.open(work, os.O_RDONLY)
    try:
        outputs, rejected = collect(descriptor, policy, left)
        longest_file(descriptor)
    finally:
        os.close(descriptor)
    assert all(name.isprintable() for name in (*outputs, *rejected))
    for name, output in outputs.items():
        status = output.path.lstat()
        content = output.path.read_bytes()
        assert output.path.resolve() == (left / name).resolve()
        assert stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        assert output.digest == hashlib.sha256(content).hexdigest()
        assert len(content) == output.bytes <= policy.file_bytes
        assert SECRET.encode() not in content
    assert sum(output.bytes for output in outputs.values()) <= policy.disk_bytes


def make(path: Path, kind: str) -> None:
    """One entry of a workspace."""
    if kind == "link":
        path.symlink_to("result.json")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "outside":
        path.symlink_to(SECRET_FILE)
    elif kind == "hard":
        path.hardlink_to(path.parent / SECRET_FILE)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        with path.open("xb") as file:
            file.write(b"x" * (5000 if kind == "long" else 100))
            file.truncate(1 << 30 if kind == "sparse" else None)


@holds_for(st.lists(st.binary(max_size=3000), max_size=20), st.integers(1, 5000))
def a_log_is_bounded_and_shown_escaped(chunks: list[bytes], most: int) -> None:
    with scratch() as folder:
        log = BoundedLog(folder / "stdout.log", most)
        for chunk in chunks:
            log.take(chunk)
        shown = log.close()
        whole = b"".join(chunks)
        kept = (folder / "stdout.log").read_bytes()
    assert len(kept) <= most + 60
    assert kept == whole or b"bytes left out" in kept
    assert shown == escaped(whole[-TAIL_SHOWN_BYTES:])
    assert all(c.isprintable() or c in "\n\t" for c in shown)
    assert shown.encode("utf-8") is not None


log_pieces = st.sampled_from(
    (
        *(
            "Overfull \\hbox (",
            "1.2.3",
            "٣",
            "9" * 400,
            ".",
            "pt too wide) ",
            "' on page ",
            "x",
            "'",
        ),
        *("LaTeX Warning: Reference `", "Package natbib Warning: Citation `", "undefined", "\r"),
        *("Missing character: There is no ", " in font ", "! ", "\nl.5 ", "\n", "Warning--"),
    )
)


@holds_for(st.lists(log_pieces, max_size=30).map("".join), st.text(max_size=40))
@example("Overfull \\hbox (1.2.3pt too wide) x\n", "")
def a_tex_log_is_read_whatever_it_says(log: str, more: str) -> None:
    began = time.monotonic()
    assert all(isinstance(said, str) for said in problems(log * 20 + more, log))
    assert isinstance(first_error(log + more), str)
    assert time.monotonic() - began < 5.0


@holds_for(st.binary(max_size=64))
def an_exit_is_a_number_whatever_the_starter_said(said: bytes) -> None:
    assert -1 <= _exit_code(said) <= 999


EACH = 500
QUIET = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("name", PROPERTIES)
def test_for_some_seconds(name: str) -> None:
    settings(max_examples=150, derandomize=True, **QUIET)(PROPERTIES[name]())()  # type: ignore[arg-type]


@pytest.mark.full
@pytest.mark.timeout(SEARCH_S + 300)
@pytest.mark.parametrize("name", PROPERTIES)
def test_for_ten_minutes_in_all(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    end, number = time.process_time() + SEARCH_S / len(PROPERTIES), 0
    while time.process_time() < end:
        number += 1
        seed(number)(settings(max_examples=EACH, **QUIET)(PROPERTIES[name]()))()  # type: ignore[arg-type]
    with capsys.disabled():
        print(f"\n{name}: {number * EACH} examples")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hanji-fuzz-") as name:
        yield Path(name)


@contextlib.contextmanager
def bounded_memory(size_bytes: int) -> Iterator[None]:
    """What is done within takes no more at once than some times the size."""
    tracemalloc.start()
    try:
        yield
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < ROOM_BYTES + ROOM_TIMES * size_bytes
