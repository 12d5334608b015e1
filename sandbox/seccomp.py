"""The system calls that a job may make, as a BPF program.

Denied calls answer EPERM, so that programs which only probe go on; `clone3`, and every call that is
named nowhere, answers ENOSYS, which sends libc to `clone`, whose namespace flags can be seen.
Sockets other than unix ones are denied: some (vsock) are not inside a network namespace, and what
waits in those of IP has no bound that is known outside. Denied, too, is what would let a job keep
memory of the kernel that nobody counts: locks on parts of files, longer buffers and filters of
sockets, filters of its own, open files that only one thread has.
"""

from __future__ import annotations

import errno
import functools
import importlib
import os
import struct
import tempfile
from types import ModuleType
from typing import TYPE_CHECKING

from sandbox.errors import SandboxUnavailable
from sandbox.system_calls import ALLOWED, DENIED, DENIED_IN_SHARED_VIEW, OF_OTHERS, SIGNALS

if TYPE_CHECKING:
    import pyseccomp

NAMESPACE_FLAGS = (
    0x00020000,  # NEWNS
    0x02000000,  # NEWCGROUP
    0x04000000,  # NEWUTS
    0x08000000,  # NEWIPC
    0x10000000,  # NEWUSER
    0x20000000,  # NEWPID
    0x40000000,  # NEWNET
)
TERMINAL_REQUESTS = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
OWNER_REQUESTS = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP
OWNER_COMMANDS = (8, 15)  # F_SETOWN, F_SETOWN_EX: whom the kernel is to signal
LOCK_COMMANDS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW
SOCKET_LEVEL = 1  # SOL_SOCKET
SOCKET_OPTIONS = (7, 32, 26, 50, 51, 52)  # SO_SNDBUF, _SNDBUFFORCE, _ATTACH_FILTER and its like
A_THREAD, ITS_FILES = 0x10000, 0x400  # CLONE_THREAD, CLONE_FILES
UNSHARE_FILES = 2  # CLOSE_RANGE_UNSHARE
SET_DUMPABLE, SET_SECCOMP = 4, 22
FAMILY_UNIX = 1
WORD = 0xFFFFFFFF
JUMP, RETURN, ALLOW = 0x05, 0x06, 0x7FFF0000
_INSTRUCTION = struct.Struct("=HBBI")


@functools.cache
def seccomp_program() -> bytes:
    """The filter of a job in namespaces of its own.

    Raises SandboxUnavailable without libseccomp.
    """
    denials = _Denials()
    denials.of_any_job()
    return chained(_allowed_calls(), denials.program())


@functools.cache
def shared_view_program(signals_scoped: bool) -> bytes:
    """The filter of a job that shares the machine's namespaces, and maybe the person's uid.

    Denies, further, what Landlock cannot see: sockets, changes by name alone, the limits and
    priorities of others, and signals where the kernel does not keep them inside
    (`signals_scoped`). Raises SandboxUnavailable.
    """
    denials = _Denials()
    denials.of_any_job()
    denials.of_one_that_shares()
    if not signals_scoped:
        denials.of_signals()
    return chained(_allowed_calls(), denials.program())


def chained(first: bytes, second: bytes) -> bytes:
    """The program that asks `second` about every call which `first` allows."""
    count = len(first) // _INSTRUCTION.size
    chain = b""
    for at, (code, yes, no, value) in enumerate(_INSTRUCTION.iter_unpack(first)):
        if (code, value) == (RETURN, ALLOW):
            code, value = JUMP, count - at - 1
        chain += _INSTRUCTION.pack(code, yes, no, value)
    return chain + second


def _allowed_calls() -> bytes:
    """Lets through what is named anywhere; the rest does not exist."""
    seccomp = _library()
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    rules.set_attr(seccomp.Attr.CTL_OPTIMIZE, 2)  # look a call up in a tree, not in a row
    for call in dict.fromkeys((*ALLOWED, *DENIED)):
        if (number := _number(call)) is not None:
            rules.add_rule(seccomp.ALLOW, number)
    return _program(rules)


class _Denials:
    """Lets through all but what it is told."""

    def __init__(self) -> None:
        self._seccomp = _library()
        self._rules = self._seccomp.SyscallFilter(self._seccomp.ALLOW)

    def program(self) -> bytes:
        return _program(self._rules)

    def of_any_job(self) -> None:
        """What no job may do."""
        for call in DENIED:
            self._deny(call)
        self._absent("clone3")
        for flag in NAMESPACE_FLAGS:
            self._deny("clone", self._bits(0, flag, flag))
        for request in TERMINAL_REQUESTS:
            self._deny("ioctl", self._bits(1, WORD, request))
        for call in ("socket", "socketpair"):
            self._deny(call, self._compared(0, self._seccomp.NE, FAMILY_UNIX))
        self._of_uncounted_memory()

    def _of_uncounted_memory(self) -> None:
        for command in LOCK_COMMANDS:
            self._deny("fcntl", self._bits(1, WORD, command))
        for option in SOCKET_OPTIONS:
            level = self._bits(1, WORD, SOCKET_LEVEL)
            self._deny("setsockopt", level, self._bits(2, WORD, option))
        self._deny("clone", self._bits(0, A_THREAD | ITS_FILES, A_THREAD))
        self._deny("close_range", self._bits(2, UNSHARE_FILES, UNSHARE_FILES))
        self._deny("prctl", self._bits(0, WORD, SET_SECCOMP))

    def of_one_that_shares(self) -> None:
        """What reaches the machine or the person's other processes without a namespace between."""
        for call in DENIED_IN_SHARED_VIEW:
            self._deny(call)
        self._absent("openat2")  # its flags cannot be seen
        for call, place in OF_OTHERS:
            self._deny(call, self._compared(place, self._seccomp.NE, 0))
        self._deny("utimensat", self._compared(1, self._seccomp.NE, 0))
        for call, place in (("open", 1), ("openat", 2)):
            for mode in (os.O_RDONLY, os.O_ACCMODE):  # emptying a file without asking to write it
                flags = os.O_ACCMODE | os.O_TRUNC
                self._deny(call, self._bits(place, flags, mode | os.O_TRUNC))
        self._deny("prctl", self._bits(0, WORD, SET_DUMPABLE))

    def of_signals(self) -> None:
        """Every way to signal another process than by being its own."""
        for call in SIGNALS:
            self._deny(call)
        for command in OWNER_COMMANDS:
            self._deny("fcntl", self._bits(1, WORD, command))
        for request in OWNER_REQUESTS:
            self._deny("ioctl", self._bits(1, WORD, request))

    def _deny(self, call: str, *conditions: object) -> None:
        self._add(self._seccomp.ERRNO(errno.EPERM), call, conditions)

    def _absent(self, call: str) -> None:
        self._add(self._seccomp.ERRNO(errno.ENOSYS), call, ())

    def _add(self, action: int, call: str, conditions: tuple[object, ...]) -> None:
        """What this machine or its libseccomp does not know is in no list, and so denied."""
        if (number := _number(call)) is not None:
            self._rules.add_rule(action, number, *conditions)

    def _bits(self, argument: int, mask: int, value: int) -> object:
        return self._seccomp.Arg(argument, self._seccomp.MASKED_EQ, mask, value)

    def _compared(self, argument: int, how: int, value: int) -> object:
        return self._seccomp.Arg(argument, how, value)


def _library() -> ModuleType:
    try:
        return importlib.import_module("pyseccomp")
    except (ImportError, OSError, RuntimeError) as error:
        raise SandboxUnavailable(
            f"system calls cannot be filtered: {error}",
            "sudo apt install libseccomp2, and `pip install pyseccomp` in Hanji's environment",
        ) from error


def _number(call: str) -> int | None:
    """Its number on this machine, None where it has none."""
    seccomp = _library()
    number: int = seccomp.resolve_syscall(seccomp.system_arch(), call)
    return number if number >= 0 else None


def _program(rules: pyseccomp.SyscallFilter) -> bytes:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
