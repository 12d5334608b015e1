"""Landlock: what a process and its children may open, by path, for as long as they live.

Needs no privilege and no namespace. Imports the standard library only, because it also runs before
anything else is in reach. Numbers and layouts: linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

from sandbox.kernel import check

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, RULE_PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))  # folders, files, links, pipes, devices
MAKE_DEVICES = 1 << 6 | 1 << 11
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
READING = EXECUTE | READ_FILE | READ_DIR
WRITING = WRITE_FILE | READ_FILE | READ_DIR | TRUNCATE | REFER | REMOVE_AND_MAKE & ~MAKE_DEVICES
USING = READ_FILE | WRITE_FILE
TCP_BIND_AND_CONNECT, ABSTRACT_SOCKETS_AND_SIGNALS = 3, 3
NETWORK_ABI, SCOPE_ABI = 4, 6  # Linux 6.7 and 6.12

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def kernel_abi() -> int:
    """The version that this kernel speaks; 0 when it has no Landlock or has it switched off."""
    version: int = _libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)
    return max(version, 0)


def restrict(rules: Iterable[tuple[str, int]], abi: int) -> None:
    """Deny this thread and its future children every file but those beneath the rules' paths.

    rules: (path, rights); a path that is not there is left out, which denies it. Also denied, where
    `abi` has it: TCP (4), and signals and abstract sockets to processes outside (6). What is open
    stays open. Needs no_new_privs. Raises OSError where the kernel refuses.
    """
    handled = _handled(abi)
    ruleset = _Ruleset(
        handled,
        TCP_BIND_AND_CONNECT if abi >= NETWORK_ABI else 0,
        ABSTRACT_SOCKETS_AND_SIGNALS if abi >= SCOPE_ABI else 0,
    )
    size = 8 * (1 + (abi >= NETWORK_ABI) + (abi >= SCOPE_ABI))
    made = _libc.syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    check(min(made, 0), "landlock_create_ruleset")
    try:
        for path, rights in rules:
            _allow(made, path, rights & handled)
        check(_libc.syscall(RESTRICT_SELF, made, 0), "landlock_restrict_self")
    finally:
        os.close(made)


def _handled(abi: int) -> int:
    """Every right that this version can deny."""
    later = ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEVICE))
    newer = sum(right for since, right in later if abi >= since)
    return READING | WRITE_FILE | REMOVE_AND_MAKE | newer


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        folder = stat.S_ISDIR(os.fstat(place).st_mode)
        rule = _PathBeneath(rights if folder else rights & FILE_RIGHTS, place)
        result = _libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
        check(result, f"landlock_add_rule {path}")
    finally:
        os.close(place)
