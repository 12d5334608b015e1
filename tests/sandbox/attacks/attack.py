"""An attack: what it tries, how it must end, and how one sees that it works where nothing holds it.

Each case of the registry (`tests.sandbox.attacks.registry`) is one of the kinds below. Its payload
is Python that runs as a job. `expected`: D denied, K killed with the limit named, R what it leaves
is rejected, C contained and harmless.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sandbox.collect import read_json
from sandbox.job import Job
from sandbox.outcome import Limit, Outcome
from sandbox.policy import MIB, Policy
from tests.sandbox.attacks.ground import Ground

SMALL = Policy(
    wall_s=10.0,
    cpu_s=10.0,
    memory_bytes=256 * MIB,
    processes=16,
    disk_bytes=16 * MIB,
    inodes=500,
    file_bytes=12 * MIB,
    log_bytes=64 * 1024,
)
WARM = "sandbox.canary:script"
PATIENCE_S = 60.0  # with a machine that is busy otherwise
LINGERS_S = 30.0
ENDED_S = 25.0  # before it would have ended by itself
IMPORTS = """\
import ctypes, errno, json, os, pathlib, signal, socket, sys, time
worked, loot, why = False, '', ''
"""
HEAD = f"""\
{IMPORTS}
libc = ctypes.CDLL(None, use_errno=True)
def must(result):
    if result == -1: raise OSError(ctypes.get_errno(), 'refused')
    return result
try:
"""
TAIL = """
except (OSError, ValueError) as error:
    why = errno.errorcode.get(getattr(error, 'errno', None), type(error).__name__)
"""
REPORT = """
told = json.dumps({'worked': bool(worked), 'loot': loot[-200_000:], 'why': why})
pathlib.Path('result.json').write_text(told)
"""


@dataclass(frozen=True)
class Seen:
    """contained: the sandbox held. what: for the table, such as `killed: memory`."""

    contained: bool
    what: str


@dataclass(frozen=True)
class Attack(ABC):
    """What all kinds share.

    name: what it tries, in words. policy: limits that differ from SMALL. control_needs: says why
    the control cannot be run here, empty when it can. no_control: why there is none anywhere.
    """

    name: str
    payload: str
    expected: str = "D"
    policy: Mapping[str, Any] = field(default_factory=dict)
    control_needs: Callable[[], str] = lambda: ""
    no_control: str = ""

    def job(
        self,
        folder: Path,
        ground: Ground,
        *,
        warm: bool = False,
        bounded: bool = False,
        control: bool = False,
    ) -> Job:
        """The job that attacks.

        bounded: without what would make it endless. control: so, and without the limits.
        """
        folder.mkdir(parents=True)
        (folder / "script.py").write_text(self.script(ground, bounded or control))
        limits = {"wall_s": PATIENCE_S, **self.policy}
        policy = replace(SMALL, trust="builtin" if warm else "untrusted", **limits)
        if control:
            policy = replace(self.lifted(policy), wall_s=PATIENCE_S, cpu_s=PATIENCE_S)
        return Job(
            "attack",
            ("python", "-P", "{inputs}/script.py", ground.mark),
            folder / "job",
            inputs={"script.py": folder / "script.py"},
            policy=policy,
            warm=WARM if warm else "",
        )

    def script(self, ground: Ground, bounded: bool) -> str:
        """The payload between what it needs and what reports on it."""
        body = ground.fill(self.bounded(self.payload, bounded)).replace("\n", "\n    ")
        return f"{HEAD}    {body}{TAIL}{REPORT}"

    def bounded(self, payload: str, bounded: bool) -> str:
        """The payload as it is run, with an end or without."""
        del bounded
        return payload

    def lifted(self, policy: Policy) -> Policy:
        """The policy under which the control runs."""
        return policy

    @abstractmethod
    def seen(self, outcome: Outcome, ground: Ground) -> Seen:
        """What came of it in a sandbox."""

    def works(self, outcome: Outcome, ground: Ground) -> bool:
        """Whether it did, in the control, what it is said to do."""
        return not self.seen(outcome, ground).contained


@dataclass(frozen=True)
class Reach(Attack):
    """Tries to read, change or call what it must not.

    proof: of what the control must show. `loot`: the treasure was read; `word`: the payload says
    that the call did not fail; else the name of the canary that was touched. answers: errors that
    show that it was denied, and not merely made wrongly; any when none is given.
    """

    proof: str = "word"
    answers: tuple[str, ...] = ()
    lifts: Mapping[str, Any] = field(default_factory=dict)

    def lifted(self, policy: Policy) -> Policy:
        """Without the limits that alone deny it."""
        return replace(policy, **self.lifts)

    def seen(self, outcome: Outcome, ground: Ground) -> Seen:
        """It must end by itself, empty-handed, and no canary may be touched."""
        why, proofs = _proofs(outcome, ground)
        if self.answers and why not in self.answers and not proofs:
            return Seen(False, f"it was made wrongly: {why}")
        return Seen(
            not proofs, ", ".join(proofs) if proofs else f"denied: {why or 'nothing there'}"
        )

    def works(self, outcome: Outcome, ground: Ground) -> bool:
        """The proof itself was found."""
        return self.proof in _proofs(outcome, ground)[1]


def _proofs(outcome: Outcome, ground: Ground) -> tuple[str, list[str]]:
    """The payload's error, and all that shows that it worked."""
    assert outcome.verdict == "ok", (outcome.reason, outcome.stderr_tail)
    told = read_json(outcome.outputs["result.json"].path)
    assert isinstance(told, dict)
    proofs = ["word"] * (told["worked"] is True)
    proofs += ["loot"] * (ground.treasure in str(told["loot"]))
    return str(told["why"]), proofs + ground.touched()


@dataclass(frozen=True)
class Greed(Attack):
    """Takes too much: `{times}` and `{linger}` in it are endless when confined.

    limit: must be named. times: bound of the control, which is over the limit. lifts: limits of the
    control.
    """

    expected: str = "K"
    limit: Limit = "wall"
    times: int = 1
    lifts: Mapping[str, Any] = field(default_factory=dict)

    def script(self, ground: Ground, bounded: bool) -> str:
        """The payload, which ends with the first error."""
        return f"{IMPORTS}{ground.fill(self.bounded(self.payload, bounded))}{REPORT}"

    def bounded(self, payload: str, bounded: bool) -> str:
        """Endless, or with an end that is over the limit."""
        times, linger = (self.times, 0.2) if bounded else (10**12, LINGERS_S)
        text = payload.replace("{times}", str(times)).replace("{linger}", str(linger))
        return f"{text}\nworked = True"

    def lifted(self, policy: Policy) -> Policy:
        """Without the limit."""
        return replace(policy, **self.lifts)

    def seen(self, outcome: Outcome, ground: Ground) -> Seen:
        """Ended in time, and by the limit of that name; or it could not even begin."""
        if _was_forbidden(outcome) and not ground.touched():
            return Seen(True, "denied from the first on")
        did = {"killed": "killed", "failed": "refused", "ok": "ended by itself"}[outcome.verdict]
        what = f"{did}: {outcome.limit or 'no limit named'}"
        held = outcome.verdict != "ok" and outcome.limit == self.limit
        held = held and (self.limit == "cpu" or outcome.wall_s < ENDED_S) and not ground.touched()
        return Seen(held, what)

    def works(self, outcome: Outcome, ground: Ground) -> bool:
        """It took more than the limit and ended well."""
        return _proofs(outcome, ground)[1] == ["word"]


def _was_forbidden(outcome: Outcome) -> bool:
    """The payload ended with the system's no."""
    return outcome.verdict == "failed" and "PermissionError" in outcome.stderr_tail


@dataclass(frozen=True)
class Leftover(Attack):
    """Leaves an output that would harm who reads it.

    why: in the reason of the rejection. harmless: all that may come back. fools: whether a reader
    that only opens the name is harmed by the workspace as it was left.
    """

    expected: str = "R"
    why: str = ""
    harmless: str = ""
    fools: Callable[[Path, Ground], bool] = lambda work, ground: False

    def script(self, ground: Ground, bounded: bool) -> str:
        """The payload alone, for the report would be in its way."""
        del bounded
        return ground.fill(f"import os, socket, time\n{self.payload}")

    def seen(self, outcome: Outcome, ground: Ground) -> Seen:
        """Nothing of it came back, and the reason is said; or it could not be made."""
        if _was_forbidden(outcome) and not outcome.outputs and not ground.touched():
            return Seen(True, "denied: it cannot be made")
        texts = {output.path.read_text() for output in outcome.outputs.values()}
        names = "".join(outcome.outputs)
        if not texts <= {self.harmless} or not names.isprintable():
            return Seen(False, "it came back")
        reasons = "; ".join(outcome.rejected.values())
        told = f"rejected: {self.why}" if outcome.rejected else "only what is harmless came back"
        return Seen(self.why in reasons and not ground.touched(), told)


@dataclass(frozen=True)
class Trick(Attack):
    """Fools who looks at the outcome.

    holds: why not, empty when nobody is fooled. fooled: whether the control fools a careless one.
    """

    expected: str = "C"
    holds: Callable[[Outcome, Ground], str] = lambda outcome, ground: "not looked at"
    fooled: Callable[[Outcome, Ground], bool] = lambda outcome, ground: False
    shown: str = "harmless"

    def script(self, ground: Ground, bounded: bool) -> str:
        """The payload alone."""
        del bounded
        return ground.fill(f"import os, socket, sys, time\n{self.payload}")

    def seen(self, outcome: Outcome, ground: Ground) -> Seen:
        """Nobody is fooled and nothing was touched."""
        why = self.holds(outcome, ground) or ", ".join(ground.touched())
        return Seen(not why, why or self.shown)

    def works(self, outcome: Outcome, ground: Ground) -> bool:
        """A careless reader is fooled."""
        return self.fooled(outcome, ground)


@dataclass(frozen=True)
class Content:
    """Bytes that something left, given to the reader that the harness has for them.

    make: writes them below a folder and returns what is to be read. read: must refuse with one of
    the errors that say so. fools: whether the usual reader is harmed.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    fools: Callable[[Path], bool]
    expected: Literal["R"] = "R"


@dataclass(frozen=True)
class Staged:
    """A case that needs a test of its own, which records what it saw under this name."""

    name: str
    expected: str
