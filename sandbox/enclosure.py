"""One bubblewrap process tree: started, pinned, and killed as a whole.

Works as root and as an ordinary user. Root makes no user namespace: bubblewrap builds the view with
the capabilities it needs and `setpriv` drops to a uid of this job's own before anything else runs,
because a job whose kernel uid is 0 can write to /proc/sys. An ordinary user gets a user namespace
and no capability in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sandbox import view
from sandbox.errors import SandboxError, SandboxUnavailable
from sandbox.greeting import READY, first_words
from sandbox.launcher import Child, Launcher, await_reaped
from sandbox.paths import WORK
from sandbox.watch import Disk
from sandbox.wires import Wires, wire

START_S = 60.0
DEATH_S = 20.0
STANDARD = 3  # descriptors: input, output, complaints
NAMESPACES = (
    "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--die-with-parent", "--new-session", "--hostname", "hanji",
)  # fmt: skip
ROOT_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
FIRST_UID = 1000
PROGRAMS = "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin"
APPARMOR_SETTING = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
APPARMOR_PROFILE = (
    r"printf 'abi <abi/4.0>,\ninclude <tunables/global>\nprofile bwrap /usr/bin/bwrap "
    r"flags=(unconfined) {\n  userns,\n}\n' | sudo tee /etc/apparmor.d/bwrap && "
    "sudo apparmor_parser -r /etc/apparmor.d/bwrap"
)


@dataclass
class Enclosure:
    """A started tree.

    init: the host's pid of its first process; the tree dies with it. wires: our side of them. held:
    closes `pidfd` and `wires`.
    """

    process: Child
    init: int
    pidfd: int
    wires: Wires
    held: ExitStack

    def kill(self) -> None:
        """Kill every process and return once all are dead.

        Raises SandboxError if the kernel does not obey.
        """
        kill_and_wait(self.pidfd)
        self.process.wait()
        await_reaped(self.pidfd)

    def close(self) -> None:
        """Give the descriptors back; call after `kill`."""
        self.held.close()


def job_uid() -> int:
    """The uid that jobs run as: one of their own when Hanji is root, else the person's."""
    if os.geteuid() != 0:
        return os.getuid()
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    first, _, count = max((tuple(map(int, line.split())) for line in lines), key=lambda row: row[2])
    if count <= FIRST_UID:
        raise SandboxUnavailable(
            "this root has no other user to run jobs as", "run Hanji as an ordinary user"
        )
    last = min(first + count, 1 << 31) - 1
    return random.SystemRandom().randint(max(first + FIRST_UID, last // 2), last)


def enclose(
    command: Sequence[str],
    *,
    launcher: Launcher,
    uid: int,
    binds: Sequence[str],
    scratch_bytes: int,
    outer: Sequence[str] = (),
    limits: Sequence[str] = (),
    devices: Sequence[str] = (),
    seccomp: bytes = b"",
    nests: bool = False,
    messages: bool = False,
) -> Enclosure:
    """Start `command`, up to where it says `r` on the socket that is its standard input.

    launcher: starts it. binds, devices: further bwrap arguments. scratch_bytes: the size of each
    writable folder. limits: the `prlimit` command inside; outer: the one around bubblewrap, whose
    own process an ordinary person's job could overwrite. nests: it may make namespaces of its own,
    and needs a /proc that the kernel lets it mount anew. messages: the socket keeps message
    boundaries. Raises SandboxUnavailable with the mend.
    """
    bwrap = _program("bwrap", "bubblewrap")
    _program("setpriv", "util-linux")
    with ExitStack() as stack, ExitStack() as theirs:
        given = _Given(theirs)
        first = [_program(outer[0], "util-linux"), *outer[1:]] if outer else []
        arguments = [*first, bwrap, *NAMESPACES, *_privilege(nests)]
        arguments += [w for k, v in view.environment().items() for w in ("--setenv", k, v)]
        arguments += view.read_only()
        for path, text in view.accounts(uid).items():
            arguments += ["--perms", "0444", "--ro-bind-data", given.data(text.encode()), path]
        root_mounts_proc = nests and os.geteuid() == 0
        arguments += (
            ["--perms", "0755", "--dir", "/proc"] if root_mounts_proc else ["--proc", "/proc"]
        )
        arguments += ["--dev", "/dev", *devices]
        for path in reversed(view.SCRATCH):
            arguments += ["--perms", "1777", "--size", str(scratch_bytes), "--tmpfs", path]
        arguments += [*view.interpreter(), *binds, "--chdir", WORK]
        arguments += ["--remount-ro", "/dev", "--remount-ro", "/"]
        if seccomp:
            arguments += ["--seccomp", given.data(seccomp)]
        info, info_end = os.pipe2(os.O_CLOEXEC)
        stack.callback(os.close, info)
        theirs.callback(os.close, info_end)
        arguments += ["--info-fd", given.pass_on(info_end), "--"]
        arguments += _first_programs(uid, limits, root_mounts_proc) + list(command)
        kind = socket.SOCK_SEQPACKET if messages else socket.SOCK_STREAM
        return _launch(launcher, arguments, given.passed, info, uid, kind, theirs)


def kill_and_wait(pidfd: int) -> None:
    """Kill the first process of a pid namespace and wait until all of the namespace is dead."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    dead, _, _ = select.select([pidfd], [], [], DEATH_S)
    if not dead:
        raise SandboxError(
            f"a job did not die within {DEATH_S:g} s of SIGKILL",
            "the kernel holds it; look at `dmesg`",
        )


def pin(init: int, path: str) -> int:
    """A descriptor of a folder inside, which stays readable after the tree is dead."""
    return os.open(f"/proc/{init}/root{path}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def disk_of(folders: Sequence[int]) -> Disk:
    """What the pinned tmpfs folders hold."""
    held = [os.fstatvfs(folder) for folder in folders]
    return Disk(
        bytes=sum((one.f_blocks - one.f_bfree) * one.f_frsize for one in held),
        inodes=sum(one.f_files - one.f_ffree - 1 for one in held),
    )


class _Given:
    """Descriptors that bwrap has besides its standard ones; it is told its own number of each."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.passed: list[int] = []

    def pass_on(self, descriptor: int) -> str:
        self.passed.append(descriptor)
        return str(STANDARD + len(self.passed) - 1)

    def data(self, content: bytes) -> str:
        descriptor = os.memfd_create("hanji", os.MFD_CLOEXEC)
        self._stack.callback(os.close, descriptor)
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return self.pass_on(descriptor)


def _privilege(nests: bool) -> list[str]:
    if os.geteuid() != 0:
        return ["--unshare-user"]
    kept = (*ROOT_CAPABILITIES, "CAP_SYS_ADMIN") if nests else ROOT_CAPABILITIES
    return ["--cap-drop", "ALL"] + [word for name in kept for word in ("--cap-add", name)]


def _first_programs(uid: int, limits: Sequence[str], mounts_proc: bool) -> list[str]:
    """What runs before the command: mount /proc if it must be ours, limit, drop to the uid."""
    programs = list(limits)
    if mounts_proc:
        mount = 'mount -t proc -o nosuid,nodev,noexec proc /proc && exec "$@"'
        programs = ["/bin/sh", "-c", mount, "hanji", *programs]
    if os.geteuid() == 0:
        programs += [
            "setpriv",
            "--reuid",
            str(uid),
            "--regid",
            str(uid),
            "--clear-groups",
            "--inh-caps=-all",
        ]
        programs += ["--bounding-set=-all", "--no-new-privs", "--"]
    return programs


def _launch(
    launcher: Launcher,
    arguments: list[str],
    passed: list[int],
    info: int,
    uid: int,
    kind: socket.SocketKind,
    theirs: ExitStack,
) -> Enclosure:
    """Start bubblewrap and close what is its own; all is undone unless it comes up."""
    with ExitStack() as ours:
        wires, ends = wire(ours, theirs, uid, kind)
        standard = [ends.channel.fileno(), ends.stdout, ends.stderr]
        process = launcher.launch(arguments, [*standard, *passed])
        ours.callback(os.close, process.pidfd)
        ours.callback(process.wait)
        ours.callback(process.kill)
        theirs.close()
        _await_ready(wires, process)
        init = _init_of(info)
        pidfd = os.pidfd_open(init)
        ours.callback(os.close, pidfd)
        return Enclosure(process, init, pidfd, wires, ours.pop_all())


def _await_ready(wires: Wires, process: Child) -> None:
    try:
        if first_words(wires.channel, START_S).said == READY:
            return
        ended = process.wait(START_S)
    except TimeoutError:
        ended = False
    told = "" if ended else f"it did not start within {START_S:g} s: "
    raise unavailable(told + wires.complaint())


def unavailable(told: str) -> SandboxUnavailable:
    """Why bubblewrap could not start, with the mend that fits what it said."""
    restricted = APPARMOR_SETTING.exists() and APPARMOR_SETTING.read_text().strip() == "1"
    if os.geteuid() != 0 and restricted:
        fix = (
            "this system's AppArmor forbids user namespaces to bwrap: allow them by a profile, "
            f"{APPARMOR_PROFILE}"
        )
    elif "Unknown option" in told:
        fix = "install bubblewrap 0.7 or newer (Debian 12, Ubuntu 24.04)"
    elif "namespace" in told or "Operation not permitted" in told or "uid map" in told:
        fix = (
            "allow user namespaces (sudo sysctl user.max_user_namespaces=15000, and where there "
            "is that kernel.unprivileged_userns_clone=1); in a container allow them, or run it "
            "with --privileged; where none of this can be, --sandbox landlock confines, though less"
        )
    else:
        fix = "run `hanji doctor`"
    return SandboxUnavailable(
        f"bubblewrap cannot confine on this machine: {told or 'no message'}", fix
    )


def _init_of(info: int) -> int:
    told: Mapping[str, int] = json.loads(os.read(info, 4096))
    return told["child-pid"]


def _program(name: str, package: str) -> str:
    path = shutil.which(name, path=PROGRAMS)
    if path is None:
        raise SandboxUnavailable(f"{name} is not installed", f"sudo apt install {package}")
    return path
