"""Attempts to use parts of the kernel that no trial needs."""

from __future__ import annotations

from sandbox.landlock import kernel_abi
from tests.sandbox.attacks.attack import Reach
from tests.sandbox.attacks.controls import only_root, setting

DENIALS = ("EPERM", "EACCES", "ENOSYS")


def _call(name: str, call: str, **more: object) -> Reach:
    """A call that must fail; `must` raises what the kernel answered."""
    payload = f"must({call})\nworked = True"
    return Reach(name, payload, answers=DENIALS, **more)  # type: ignore[arg-type]


KERNEL = (
    Reach(
        "mount a file system",
        "os.mkdir('m')\nhere = os.path.abspath('m').encode()\n"
        "must(libc.mount(b'x', here, b'tmpfs', 0, b''))\nworked = True\nlibc.umount2(here, 2)",
        control_needs=only_root,
    ),
    _call("make a file system without mounting it", "libc.syscall(<nr:fsopen>, b'tmpfs', 0)",
          control_needs=only_root),
    _call("copy a mount", "libc.syscall(<nr:open_tree>, -100, b'/', 1)", control_needs=only_root),
    _call("change the root folder", "libc.chroot(b'/')", control_needs=only_root),
    _call("make a user namespace", "libc.unshare(0x10000000)"),
    _call("make a mount namespace", "libc.unshare(0x00020000)", control_needs=only_root),
    _call("make a network namespace in a user namespace", "libc.unshare(0x50000000)"),
    Reach(
        "start a process in a new user namespace",
        "pid = must(libc.syscall(<nr:clone>, 0x10000011, 0, 0, 0, 0))\n"
        "if pid == 0: os._exit(0)\nos.waitpid(pid, 0)\nworked = True",
    ),
    Reach(
        "start a process in a new user namespace by the newer call",
        "wanted = (ctypes.c_uint64 * 8)(0x10000000, 0, 0, 0, 17)\n"
        "pid = must(libc.syscall(<nr:clone3>, wanted, 64))\n"
        "if pid == 0: os._exit(0)\nos.waitpid(pid, 0)\nworked = True",
    ),
    _call("enter a namespace", "libc.setns(os.open('/proc/self/ns/net', os.O_RDONLY), 0)",
          control_needs=only_root),
    _call("use io_uring", "libc.syscall(<nr:io_uring_setup>, 1, (ctypes.c_ubyte * 120)())",
          control_needs=setting("kernel/io_uring_disabled", "0")),
    _call("make a map for BPF programs",
          "libc.syscall(<nr:bpf>, 0, (ctypes.c_uint32 * 18)(2, 4, 4, 1), 72)",
          control_needs=setting("kernel/unprivileged_bpf_disabled", "0")),
    _call("keep a key in the kernel",
          "libc.syscall(<nr:add_key>, b'user', b'hanji', b'x', 1, -2)"),
    _call("read a keyring", "libc.syscall(<nr:keyctl>, 0, -2, 1)"),
    _call("handle its own page faults", "libc.syscall(<nr:userfaultfd>, 1)"),
    _call("measure other programs by their events",
          "libc.syscall(<nr:perf_event_open>, (ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0)",
          control_needs=setting("kernel/perf_event_paranoid", "-1")),
    _call("read the kernel's log", "libc.klogctl(10, 0, 0)",
          control_needs=setting("kernel/dmesg_restrict", "0")),
    _call("rename the machine",
          "libc.sethostname(*(lambda name: (name, len(name)))(os.uname().nodename.encode()))",
          control_needs=only_root),
    _call("set the clock",
          "libc.syscall(<nr:clock_settime>, 0, (ctypes.c_long * 2)(int(time.time()), 0))",
          no_control="it would set the clock"),
    _call("load a module", "libc.syscall(<nr:finit_module>, -1, b'', 0)",
          no_control="it would load a module"),
    _call("start another kernel", "libc.syscall(<nr:kexec_load>, 0, 0, None, 0)",
          no_control="it would take away the kernel that is to be started after a crash"),
    _call("hide memory in a memfd", "os.memfd_create('x')"),
    _call("hide memory in a secret memfd", "libc.syscall(<nr:memfd_secret>, 0)"),
    Reach(
        "hide memory in System V",
        "number = must(libc.shmget(0, 4096, 0o600))\nlibc.shmctl(number, 0, None)\nworked = True",
    ),
    Reach(
        "hide memory in messages of System V",
        "number = must(libc.msgget(0, 0o600))\nlibc.msgctl(number, 0, None)\nworked = True",
    ),
    Reach(
        "leave semaphores of System V",
        "number = must(libc.semget(0, 1, 0o600))\nlibc.semctl(number, 0, 0, 0)\nworked = True",
    ),
    Reach(
        "hide memory in POSIX messages",
        "name = b'hanji-<mark>'\n"
        "queue = must(libc.syscall(<nr:mq_open>, name, 66, 0o600, None))\n"
        "libc.syscall(<nr:mq_unlink>, name)\nworked = True",
        no_control="the process backend too allows no bytes in such messages",
    ),
    Reach(
        "have the kernel remember locks on parts of a file",
        "import fcntl\nwith open('locked', 'wb') as file: fcntl.lockf(file, fcntl.LOCK_EX, 1, 9)\n"
        "worked = True",
        answers=DENIALS,
    ),
    Reach(
        "lend a page to a socket, which counts its one byte",
        "one, other = socket.socketpair()\nreading, writing = os.pipe()\n"
        "os.write(writing, b'x')\nos.splice(reading, one.fileno(), 1)\nworked = True",
        answers=DENIALS,
    ),
    Reach(
        "let more wait in a socket",
        "one, other = socket.socketpair()\n"
        "one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 17)\nworked = True",
        answers=DENIALS,
    ),
    Reach(
        "have the kernel remember what it waits for",
        "import select\nselect.epoll().register(os.pipe()[0])\nworked = True",
        answers=DENIALS,
    ),
    _call("keep rules of Landlock in the kernel",
          "libc.syscall(<nr:landlock_create_ruleset>, (ctypes.c_uint64 * 1)(1), 8, 0)",
          control_needs=lambda: "" if kernel_abi() else "this kernel has no Landlock"),
    Reach(
        "keep a filter of system calls in the kernel",
        "must(libc.prctl(38, 1, 0, 0, 0))\nallow = ctypes.c_uint64(0x7FFF000000000006)\n"
        "program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow))\n"
        "must(libc.prctl(22, 2, program, 0, 0))\nworked = True",
        answers=DENIALS,
    ),
)  # fmt: skip
