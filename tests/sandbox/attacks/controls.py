"""What a control needs that not every person or machine has: each says why not, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def only_root() -> str:
    """For controls that only root's processes can do."""
    return "" if os.geteuid() == 0 else "an ordinary person's process may not do this either"


def first_tells() -> str:
    """For controls that read the environment of the system's first process."""
    if refused := only_root():
        return refused
    try:
        told = Path("/proc/1/environ").read_bytes()
    except PermissionError:
        return "this machine shows it to nobody"
    return "" if told else "it has no environment on this machine"


def may_raise_limits() -> str:
    """For controls that need the capability CAP_SYS_RESOURCE."""
    status = Path("/proc/self/status").read_text()
    held = int(next(x for x in status.splitlines() if x.startswith("CapEff")).split()[1], 16)
    return "" if held >> 24 & 1 else "this person may not raise limits either"


def writable(path: Path) -> Callable[[], str]:
    """For controls that write into an installation."""

    def needs() -> str:
        return "" if os.access(path, os.W_OK) else "this person may not write there either"

    return needs


def may_trace() -> str:
    """For controls that look into another process of the same person."""
    yama = Path("/proc/sys/kernel/yama/ptrace_scope")
    strict = yama.exists() and yama.read_text().strip() != "0" and os.geteuid() != 0
    return "Yama forbids it to every process of this machine" if strict else ""


def setting(name: str, allowed: str) -> Callable[[], str]:
    """For controls that a setting of the kernel keeps from ordinary people."""

    def needs() -> str:
        path = Path("/proc/sys") / name
        held = os.geteuid() != 0 and path.exists() and path.read_text().strip() != allowed
        return f"this kernel's {path.name} keeps it from ordinary people" if held else ""

    return needs
