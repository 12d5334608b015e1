"""What a job sees of the machine: the system and this Python read-only, everything else absent."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sandbox.errors import SandboxUnavailable
from sandbox.paths import CODE, INPUTS, WORK

PACKAGES = ("sandbox", "tools")
SYSTEM = ("/usr",)
MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/fonts",
    "/etc/texmf",
    "/etc/localtime", "/etc/timezone", "/etc/locale.alias", "/etc/papersize", "/etc/LatexMk",
    "/etc/mime.types",
    "/etc/os-release", "/etc/perl", "/var/lib/texmf", "/var/cache/fontconfig",
)  # fmt: skip
GPU_CONTROLS = ("nvidiactl", "nvidia-uvm")
GPU_EXTRAS = ("nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps")
FOLDERS = ("/etc", "/var", "/var/lib", "/var/cache", "/job", INPUTS, CODE)
SCRATCH = (WORK, "/tmp", "/dev/shm")  # noqa: S108


def environment() -> dict[str, str]:
    """The whole environment of a job: nothing of it comes from the harness's own."""
    interpreter = Path(sys.executable).parent
    return {
        "PATH": f"{interpreter}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": "/tmp",  # noqa: S108
        "TMPDIR": "/tmp",  # noqa: S108
        "USER": "trial",
        "LOGNAME": "trial",
        "LANG": "C.UTF-8",
        "PYTHONPATH": CODE,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def read_only() -> list[str]:
    """Arguments of bwrap for the system: programs, libraries, and the settings they need."""
    arguments: list[str] = []
    for path in FOLDERS:
        arguments += ["--perms", "0755", "--dir", path]
    for path in SYSTEM:
        arguments += ["--ro-bind", path, path]
    for path in MERGED:
        arguments += _merged(Path(path))
    for path in SETTINGS:
        arguments += ["--ro-bind-try", path, path]
    return arguments


def interpreter() -> list[str]:
    """Arguments of bwrap for this Python and Hanji's packages; after /tmp, which may hold them."""
    arguments: list[str] = []
    seen: set[Path] = set()
    for path in (Path(sys.base_prefix), Path(sys.prefix)):
        if path not in seen and not path.is_relative_to("/usr"):
            arguments += [*parents(path), "--ro-bind", str(path), str(path)]
        seen.add(path)
    home = Path(__file__).parent.parent
    for package in PACKAGES:
        if (home / package).is_dir():
            arguments += ["--ro-bind", str(home / package), f"{CODE}/{package}"]
    return arguments


def inputs_bound(bound: Sequence[tuple[str, Path]]) -> list[str]:
    """Arguments of bwrap for the inputs: (name below `{inputs}`, path of the host)."""
    arguments: list[str] = []
    for name, path in bound:
        for folder in reversed(PurePosixPath(name).parents[:-1]):
            arguments += ["--perms", "0755", "--dir", f"{INPUTS}/{folder}"]
        arguments += ["--ro-bind", str(path), f"{INPUTS}/{name}"]
    return arguments


def gpus_bound(gpus: Sequence[int], devices: Path = Path("/dev")) -> list[str]:
    """Arguments of bwrap, after --dev, for the NVIDIA devices of these numbers, and /sys.

    Raises SandboxUnavailable when one is not there.
    """
    if not gpus:
        return []
    wanted = [devices / name for name in (*(f"nvidia{n}" for n in gpus), *GPU_CONTROLS)]
    absent = [str(node) for node in wanted if not node.exists()]
    if absent:
        raise SandboxUnavailable(
            f"GPUs were asked for and there is no {', '.join(absent)}",
            "install NVIDIA's driver, or ask for no GPU",
        )
    more = [node for name in GPU_EXTRAS if (node := devices / name).exists()]
    binds = [word for node in (*wanted, *more) for word in ("--dev-bind", str(node), str(node))]
    return [*binds, "--ro-bind", "/sys", "/sys"]


def parents(path: Path) -> list[str]:
    """Make the folders above a mount point, so that any user may pass through them."""
    made = [str(folder) for folder in reversed(path.parents) if str(folder) != "/"]
    return [word for folder in made for word in ("--perms", "0755", "--dir", folder)]


def accounts(uid: int) -> dict[str, str]:
    """Account files that know root and the job's user, and no password."""
    return {
        "/etc/passwd": f"root:x:0:0:root:/:/bin/false\ntrial:x:{uid}:{uid}:trial:/tmp:/bin/sh\n",
        "/etc/group": f"root:x:0:\ntrial:x:{uid}:\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }


def _merged(path: Path) -> list[str]:
    """A link stays a link; a folder of its own is bound."""
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.is_dir() else []
