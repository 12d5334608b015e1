"""Every attack at every level of confinement, and as a control where nothing confines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import results
from sandbox.backend import Backend
from sandbox.errors import HanjiError
from sandbox.outcome import Outcome
from sandbox.policy import Policy
from tests.sandbox.attacks.attack import Attack, Leftover
from tests.sandbox.attacks.ground import Ground, end, ground_in, marked
from tests.sandbox.attacks.registry import ATTACKS, CONTENTS
from tests.sandbox.conftest import until
from tests.sandbox.levels import CONTROL, Level
from tests.sandbox.recording import Record, record

WARM_PROCESSES = 2  # bubblewrap's reaper and the server, which the first job may be to start
ABSENT = ("ENOSYS", "EAFNOSUPPORT")


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ground_in(tmp_path) as ground:
        ground.left = tmp_path / "attack" / "job"
        yield ground


def run(backend: Backend, attack: Attack, ground: Ground, **how: bool) -> Outcome:
    job = attack.job(ground.folder / "attack", ground, **how)
    return backend.run(job, threading.Event())


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_a_sandbox_holds(name: str, level: Level, ground: Ground, record_property: Record) -> None:
    attack, why_not = ATTACKS[name], level.uncontained.get(name, "")
    kept = max(level.left(), WARM_PROCESSES if level.warm else 0)
    outcome = run(level.backend, attack, ground, warm=level.warm, bounded=bool(why_not))
    seen = attack.seen(outcome, ground)
    if why_not:
        end(marked(ground.mark))
        assert not seen.contained, f"{name} is contained: take it off the backend's list"
        record(record_property, name, level.name, "no", why_not)
        return
    assert seen.contained, (seen.what, outcome.reason, outcome.stderr_tail)
    assert marked(ground.mark) == []
    until(lambda: level.left() <= kept)
    record(record_property, name, level.name, "yes", seen.what)


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_else_holds(
    name: str,
    process: Backend,
    ground: Ground,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Record,
) -> None:
    """The control: the attack works on a plain process, so that what stopped it is the sandbox."""
    attack = ATTACKS[name]
    if why_not := attack.no_control or attack.control_needs():
        untried(record_property, name, why_not)
    fooled: list[bool] = []
    if isinstance(attack, Leftover):
        monkeypatch.setattr(results, "collect", careless(attack, ground, fooled))
    try:
        outcome = run(process, attack, ground, control=True)
        if any(error in told(outcome) for error in ABSENT):
            untried(record_property, name, "this kernel has nothing of the kind")
        assert fooled == [True] if fooled else attack.works(outcome, ground), outcome.stderr_tail
    finally:
        end(marked(ground.mark))
    assert outcome.isolation == "unconfined"
    record(record_property, name, CONTROL, "no", "it works")


@pytest.mark.parametrize("name", CONTENTS)
def test_a_reader_refuses(name: str, tmp_path: Path, record_property: Record) -> None:
    content = CONTENTS[name]
    given = content.make(tmp_path)
    with pytest.raises(HanjiError) as refused:
        content.read(given)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 1000
    record(
        record_property, name, "every backend", "yes", f"rejected: {type(refused.value).__name__}"
    )


@pytest.mark.parametrize("name", CONTENTS)
def test_a_reader_that_believes_its_file_is_harmed(
    name: str, tmp_path: Path, record_property: Record
) -> None:
    content = CONTENTS[name]
    assert content.fools(content.make(tmp_path))
    record(record_property, name, CONTROL, "no", "it works on a reader that believes the file")


def untried(into: Record, name: str, why_not: str) -> None:
    record(into, name, CONTROL, "not tried", why_not)
    pytest.skip(f"no control of '{name}': {why_not}")


def careless(attack: Leftover, ground: Ground, fooled: list[bool]) -> object:
    """In place of `collect`: opens what has the name of an output, as others would."""

    def take(work: int, policy: Policy, folder: Path) -> tuple[dict[str, object], dict[str, str]]:
        fooled.append(attack.fools(Path(f"/proc/self/fd/{work}").resolve(), ground))
        return {}, {}

    return take


def told(outcome: Outcome) -> str:
    """The error that the payload reports, if it left a report."""
    report = outcome.outputs.get("result.json")
    return report.path.read_text(errors="replace")[-40:] if report else ""
