"""A job's folders on an ordinary disk: made, measured from outside, and removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from sandbox.inputs import input_files
from sandbox.process_tree import tree
from sandbox.scratch import Scratch
from sandbox.watch import Disk

DEEPEST = 64
UNSEEN = 1 << 62  # what cannot be looked through counts as too many files


class Workspace:
    """`inputs` (copies), `work` and `tmp` below one `root`, of which a job owns the last two."""

    def __init__(self) -> None:
        """Make the root; nobody else may enter it yet. `lock` is its, for who else uses it."""
        self._scratch = Scratch.make("job")
        self.root, self.lock = self._scratch.path, self._scratch.lock
        self.inputs, self.work, self.tmp = (self.root / n for n in ("inputs", "work", "tmp"))

    def furnish(self, inputs: Mapping[str, Path], uid: int) -> None:
        """Make the folders for a job of that uid and copy its inputs. Raises SandboxError."""
        for folder in (self.work, self.tmp):
            folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder, uid, uid)
        if os.geteuid() == 0:
            self.root.chmod(0o711)
        place_copies(inputs, self.inputs)

    def held(self, job: int, most: int) -> Disk:
        """What the folders hold, and files that only processes below `job` still have open.

        Stops counting at `most` files.
        """
        seen: dict[tuple[int, int], int] = {}
        try:
            for folder in (self.work, self.tmp):
                _look_through(folder, None, DEEPEST, most, seen)
        except (PermissionError, RecursionError):
            return Disk(sum(seen.values()), UNSEEN)
        files = len(seen)
        seen.update(_deleted_files(job, self.work.stat().st_dev))
        return Disk(sum(seen.values()), files)

    def remove(self) -> None:
        """Take all of it away. Raises SandboxError."""
        self._scratch.remove()


def place_copies(inputs: Mapping[str, Path], folder: Path) -> None:
    """Copy the inputs into a new folder, readable by everyone."""
    folder.mkdir(mode=0o755)
    for file in input_files(inputs):
        target = folder / file.name
        for parent in reversed(target.relative_to(folder).parents[:-1]):
            (folder / parent).mkdir(mode=0o755, exist_ok=True)
        shutil.copyfile(file.path, target)
        target.chmod(0o644)


def _look_through(
    path: Path | str, above: int | None, levels: int, most: int, seen: dict[tuple[int, int], int]
) -> None:
    """Note the blocks of every file below, by inode. Raises RecursionError below `levels`."""
    if levels == 0:
        raise RecursionError
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it went while we looked
        folder = os.open(path, flags, dir_fd=above)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        status = entry.stat(follow_symlinks=False)
                        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
                        if len(seen) > most:
                            return
                        if stat.S_ISDIR(status.st_mode):
                            _look_through(entry.name, folder, levels - 1, most, seen)
        finally:
            os.close(folder)


def _deleted_files(job: int, device: int) -> dict[tuple[int, int], int]:
    """Blocks of files without a name that processes of the job hold open, by inode."""
    found: dict[tuple[int, int], int] = {}
    for pid in tree(job):
        with contextlib.suppress(OSError):  # it ended while we looked
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    status = descriptor.stat()
                    if status.st_nlink == 0 and status.st_dev == device:
                        found[device, status.st_ino] = status.st_blocks * 512
    return found
