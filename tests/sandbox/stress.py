"""Many short jobs, one in twenty hostile, on two cores; says what was lost and what was left.

`python -m tests.sandbox.stress COUNT FOLDER` prints one line of JSON; a process of its own, so that
what is counted is the harness's.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from sandbox.backend import find_backend
from sandbox.collect import read_json
from sandbox.executors.local import LocalExecutor
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.policy import MIB, Policy
from sandbox.process_tree import tree

SLOTS, AT_ONCE, EVERY, SAMPLES = 2, 8, 20, 10
WARM = "sandbox.canary:script"
POLICY = Policy(
    wall_s=30.0,
    cpu_s=10.0,
    memory_bytes=256 * MIB,
    processes=16,
    disk_bytes=16 * MIB,
    inodes=500,
    log_bytes=64 * 1024,
)
GOOD = (
    "import json, os, pathlib\n"
    "number = pathlib.Path('/job/inputs/number').read_text()\n"
    "print('job', number)\n"
    "json.dump({'number': int(number)}, open('result.json', 'w'))\n"
)
HOSTILE = {  # what it does, and the limit or the verdict that must be named
    "fork": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", "processes"),
    "daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n"
        "    time.sleep(60)\nopen('result.json', 'w').write('{}')",
        "ok",
    ),
    "memory": ("import time\nheld = bytearray(300 << 20)\ntime.sleep(30)", "memory"),
    "disk": ("while True: open('x', 'ab').write(bytes(1 << 20))", "disk"),
    "files": (
        "import time\nfor n in range(9000):\n    try: open(str(n), 'w').close()\n"
        "    except OSError: time.sleep(30)",
        "inodes",
    ),
    "log": ("while True: print('again' * 100)", "log"),
    "stubborn": (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)",
        "wall",
    ),
    "link": ("import os\nos.symlink('/etc/passwd', 'result.json')", "ok"),
    "crash": ("import os\nos.kill(os.getpid(), 11)", "failed"),
}


@dataclass
class Found:
    """ended: jobs with an outcome. wrong: what was not as it should be, in words.

    before and after: of the harness when it is warm and at the end: descriptors, child processes,
    mounts, files in its temporary folder. resident_bytes: of the harness, at ten moments.
    """

    ended: int = 0
    hostile: int = 0
    wrong: list[str] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    resident_bytes: list[int] = field(default_factory=list)


def main(count: int, folder: Path) -> Found:
    """Run them. folder: empty; is empty again at the end but for `tmp`."""
    temporary = folder / "tmp"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    found = Found()
    with LocalExecutor(find_backend("bubblewrap"), SLOTS) as executor:
        for warm in (True, False):
            executor.submit(job(folder / f"first-{warm}", 0, warm)).result()
        found.before = held(temporary)
        for number, outcome in outcomes(executor, count, folder):
            found.ended += 1
            found.hostile += number % EVERY == 0
            if why := wrong(number, outcome):
                found.wrong.append(f"job {number}: {why}: {outcome.reason}")
            shutil.rmtree(folder / str(number))
            if found.ended % max(count // SAMPLES, 1) == 0:
                gc.collect()
                found.resident_bytes.append(resident_bytes())
        found.after = held(temporary)
    found.after["children after closing"] = len(list(tree(os.getpid()))) - 1
    return found


def outcomes(executor: LocalExecutor, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    """Each job's number and how it ended; only a few wait at a time."""
    waiting: dict[Future[Outcome], int] = {}
    for number in range(1, count + 1):
        one = job(folder / str(number), number, warm=number % 2 == 0)
        waiting[executor.submit(one)] = number
        while len(waiting) >= AT_ONCE or (number == count and waiting):
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()


def job(folder: Path, number: int, warm: bool) -> Job:
    """Every twentieth is hostile, each kind in turn, both warm and fresh."""
    folder.mkdir(parents=True)
    script, expected = hostile(number) if number and number % EVERY == 0 else (GOOD, "")
    warm = warm if number % EVERY else number // EVERY % 2 == 0
    (folder / "script.py").write_text(script)
    (folder / "number").write_text(str(number))
    policy = replace(POLICY, wall_s=1.0) if expected == "wall" else POLICY
    return Job(
        str(number),
        ("python", "-P", "{inputs}/script.py"),
        folder / "job",
        inputs={name: folder / name for name in ("script.py", "number")},
        policy=replace(policy, trust="builtin" if warm else "untrusted"),
        warm=WARM if warm else "",
    )


def hostile(number: int) -> tuple[str, str]:
    """Script and expected limit or verdict of a hostile job."""
    return list(HOSTILE.values())[number // EVERY % len(HOSTILE)]


def wrong(number: int, outcome: Outcome) -> str:
    """What is not as it should be; empty when all is."""
    if number % EVERY == 0:
        expected = hostile(number)[1]
        said = outcome.limit or outcome.verdict
        return "" if said == expected else f"said {said}, not {expected}"
    if outcome.verdict != "ok":
        return f"a good job {outcome.verdict}: {outcome.stderr_tail[-200:]}"
    told = read_json(outcome.outputs["result.json"].path)
    same = told == {"number": number} and outcome.stdout_tail == f"job {number}\n"
    return "" if same else "it got another's result"


def held(temporary: Path) -> dict[str, int]:
    """What this process holds of the machine."""
    gc.collect()
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "children": len(list(tree(os.getpid()))) - 1,
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "temporary files": len(list(temporary.iterdir())),
    }


def resident_bytes() -> int:
    """Of this process alone."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not say")


if __name__ == "__main__":
    print(json.dumps(asdict(main(int(sys.argv[1]), Path(sys.argv[2])))))
