"""The few Linux calls that a sandbox needs and Python 3.11 does not have.

Only called inside a sandbox, or by the first process of one.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterable
from pathlib import Path

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
SECCOMP_MODE_FILTER = 2
MADV_COLLAPSE, HUGE_PAGE_BYTES = 25, 2 << 20
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def enter_namespaces() -> None:
    """New user, mount, network and ipc namespaces, and a process namespace for the next child.

    The uid stays what it was; in the new user namespace it holds every capability over the new
    namespaces and none outside. Raises OSError where the kernel forbids it.
    """
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET
    check(_libc.unshare(flags), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")


def mount(source: str, target: str, kind: str, options: str) -> None:
    """Mount a new file system, without set-uid files and devices."""
    flags = MS_NOSUID | MS_NODEV | (MS_NOEXEC if kind == "proc" else 0)
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    check(result, f"mount {target}")


def bind(source: str, target: str) -> None:
    """Show a folder, as it is mounted and with what is mounted below it, in a second place."""
    flags = ctypes.c_ulong(MS_BIND | MS_REC)
    check(_libc.mount(source.encode(), target.encode(), None, flags, None), f"bind {target}")


def remount_read_only(target: str) -> None:
    """Make a mounted folder read-only."""
    flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV
    result = _libc.mount(b"none", target.encode(), None, ctypes.c_ulong(flags), None)
    check(result, f"remount {target}")


def cover(folder: str, options: str, kept: Iterable[str]) -> None:
    """Mount an empty folder over one; the `kept` places below it stay in sight."""
    below = [place for place in kept if Path(place).is_relative_to(folder)]
    held = {place: os.open(place, os.O_PATH) for place in below}
    mount("tmpfs", folder, "tmpfs", options)
    for place, descriptor in held.items():
        Path(place).mkdir(parents=True, exist_ok=True)
        bind(f"/proc/self/fd/{descriptor}", place)
        os.close(descriptor)


def own_mounts() -> None:
    """Mounts made from now on are seen by this process and its children alone."""
    check(_libc.unshare(CLONE_NEWNS), "unshare")
    flags = ctypes.c_ulong(MS_REC | MS_PRIVATE)
    check(_libc.mount(b"none", b"/", None, flags, None), "private mounts")


def adopt_orphans() -> None:
    """Descendants whose parent is gone become this process's children."""
    check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "subreaper")


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends."""
    check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent death signal")


def gather_memory() -> None:
    """Move what this process holds into huge pages, where the kernel can: forks copy fewer tables.

    What is in reach of a fork that writes is parted again, page by page.
    """
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        span, rights, _, _, inode, *_ = line.split()
        first, _, last = span.partition("-")
        start = -(-int(first, 16) // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES
        size = int(last, 16) // HUGE_PAGE_BYTES * HUGE_PAGE_BYTES - start
        if size > 0 and inode == "0" and rights == "rw-p":
            _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), MADV_COLLAPSE)


def drop_everything(seccomp: bytes) -> None:
    """Give up every capability for good and install the BPF program `seccomp`."""
    drop_bounds()
    drop_capabilities()
    install_filter(seccomp)


def drop_bounds() -> None:
    """Give up every capability that a program could bring; needs CAP_SETPCAP to do anything."""
    for capability in range(LAST_CAPABILITY + 1):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # EINVAL above the kernel's last one


def drop_capabilities() -> None:
    """Give up what this process holds and, by no_new_privs, what programs could give it."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    check(_libc.capset(header, nothing), "capset")
    check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def install_filter(seccomp: bytes) -> None:
    """Hold this thread and its children to the BPF program `seccomp`."""
    filter_bytes = ctypes.create_string_buffer(seccomp, len(seccomp))
    program = _Program(len(seccomp) // 8, ctypes.cast(filter_bytes, ctypes.c_void_p))
    check(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0), "seccomp")


def check(result: int, what: str) -> None:
    """Raise the OSError that the C library left when `result` is not 0."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
