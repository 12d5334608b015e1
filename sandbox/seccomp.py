"""The system calls that no job may make, as a BPF program.

Denied calls answer EPERM, so that programs which only probe go on; `clone3` answers ENOSYS, which
sends libc to `clone`, whose namespace flags can be seen. Network families other than unix and IP
are denied because some (vsock) are not inside a network namespace.
"""

from __future__ import annotations

import errno
import functools
import tempfile
from typing import TYPE_CHECKING

from sandbox.errors import SandboxUnavailable

if TYPE_CHECKING:
    import pyseccomp

DENIED = (
    # memory that no watcher of processes or tmpfs sees
    "memfd_create", "memfd_secret", "shmget", "shmat", "msgget", "semget", "mq_open",
    # other file systems and namespaces
    "mount", "umount2", "pivot_root", "chroot", "mount_setattr", "move_mount", "open_tree",
    "fsopen", "fsconfig",
    "fsmount", "fspick", "unshare", "setns", "open_by_handle_at", "name_to_handle_at",
    # other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    # the kernel
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "io_uring_setup",
    "io_uring_enter",
    "io_uring_register", "userfaultfd", "kexec_load", "kexec_file_load", "init_module",
    "finit_module",
    "delete_module", "reboot", "swapon", "swapoff", "acct", "quotactl", "syslog", "settimeofday",
    "clock_settime",
    "clock_adjtime", "adjtimex", "iopl", "ioperm", "lookup_dcookie", "vhangup", "fanotify_init",
    "nfsservctl",
)  # fmt: skip
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
UNKNOWN = -1
LAST_ALLOWED_FAMILY = 10  # AF_INET6; unix is 1, IP is 2
FIRST_DENIED_FAMILY, LAST_DENIED_FAMILY = 3, 9


@functools.cache
def seccomp_program() -> bytes:
    """The compiled filter. Raises SandboxUnavailable without libseccomp."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise SandboxUnavailable(
            f"system calls cannot be filtered: {error}",
            "sudo apt install libseccomp2, and `pip install pyseccomp` in Hanji's environment",
        ) from error
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    deny = pyseccomp.ERRNO(errno.EPERM)
    for call in DENIED:
        _add(rules, deny, call)
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NAMESPACE_FLAGS:
        _add(rules, deny, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    for request in TERMINAL_REQUESTS:
        low = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request)
        _add(rules, deny, "ioctl", low)
    for call in ("socket", "socketpair"):
        _add(rules, deny, call, pyseccomp.Arg(0, pyseccomp.GT, LAST_ALLOWED_FAMILY))
        for family in range(FIRST_DENIED_FAMILY, LAST_DENIED_FAMILY + 1):
            _add(rules, deny, call, pyseccomp.Arg(0, pyseccomp.EQ, family))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(rules: pyseccomp.SyscallFilter, action: int, call: str, *conditions: object) -> None:
    """Add one rule. Raises SandboxUnavailable when this libseccomp does not know the call."""
    import pyseccomp

    number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call)
    if number == UNKNOWN:
        raise SandboxUnavailable(
            f"this libseccomp is too old to know {call}", "install libseccomp 2.5.3 or newer"
        )
    rules.add_rule(action, number, *conditions)
