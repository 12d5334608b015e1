"""What the filter of system calls lets through is a list, and all else does not exist."""

from __future__ import annotations

import errno
import json
import platform
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.seccomp import ALLOW, JUMP, RETURN, chained, seccomp_program, shared_view_program
from sandbox.system_calls import ALLOWED, DENIED
from tests.sandbox.conftest import Attempt

# personality, io_setup and vmsplice: harmless, in every kernel, and in neither list
UNNAMED = {"x86_64": (135, 206, 278), "aarch64": (92, 0, 75)}
CALL = (
    "import ctypes, json\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    "told = [[libc.syscall(number, -1, 0, 0, 0), ctypes.get_errno()] for number in {numbers}]\n"
    "open('result.json', 'w').write(json.dumps(told))"
)
needs_numbers = pytest.mark.skipif(
    platform.machine() not in UNNAMED, reason="the numbers of this machine's calls are not known"
)


def numbers_called(attempt: Attempt) -> list[list[int]]:
    script = CALL.format(numbers=UNNAMED[platform.machine()])
    outcome = attempt(script)
    assert outcome.verdict == "ok", outcome.stderr_tail
    told: list[list[int]] = json.loads(Path(outcome.outputs["result.json"].path).read_text())
    return told


@needs_numbers
def test_a_call_that_nobody_named_does_not_exist_for_a_confined_job(confined: Attempt) -> None:
    assert numbers_called(confined) == [[-1, errno.ENOSYS]] * 3


@needs_numbers
def test_the_same_calls_are_there_for_an_unconfined_job(unconfined: Attempt) -> None:
    assert errno.ENOSYS not in [number for result, number in numbers_called(unconfined) if result]


def instructions(program: bytes) -> Iterator[tuple[int, int, int, int]]:
    yield from struct.iter_unpack("=HBBI", program)


def test_what_the_first_program_allows_the_second_decides() -> None:
    verdict = struct.Struct("=HBBI")
    first = verdict.pack(RETURN, 0, 0, ALLOW) + verdict.pack(RETURN, 0, 0, 7)
    second = verdict.pack(RETURN, 0, 0, 9)
    assert list(instructions(chained(first, second))) == [
        (JUMP, 0, 0, 1), (RETURN, 0, 0, 7), (RETURN, 0, 0, 9)
    ]  # fmt: skip


def test_no_call_is_both_allowed_and_denied_and_the_kernel_takes_every_program() -> None:
    assert set(ALLOWED).isdisjoint(DENIED)
    programs = (seccomp_program(), shared_view_program(True), shared_view_program(False))
    assert len({len(program) for program in programs}) == 3
    assert all(len(program) // 8 < 4096 for program in programs)
