"""A task that was brought: read as text outside, drawn in sandboxes, split and judged outside."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from sandbox.backend import find_backend
from sandbox.errors import BadInput
from sandbox.executors.local import LocalExecutor
from sandbox.job import Job
from sandbox.outcome import Outcome, Verdict
from tools.draws import Table
from tools.law_check import check_laws
from tools.laws import LAWS
from tools.tasks.asked import items_of
from tools.tasks.brought import LazyItems, bring_view
from tools.tasks.own_task import OwnTask, read_own_task
from tools.tasks.sequence import NOT_ASKED, Batch, find_sequence_task
from tools.tasks.splitting import belongs
from tools.tasks.task import Question, TaskView

ROOT = Path(__file__).resolve().parents[2]
HONEST = ROOT / "examples" / "own_task" / "late_echo.py"
SECRET = "5ec2e7" * 5 + "00"
HEAD = """
import numpy as np
from tools.tasks.drawn import NOT_ASKED, Batch, drawn_task

@drawn_task("{name}", source="a test", vocabulary=4, length=12, chance={chance})
def own(draw, count):
    tokens = draw.integers(0, 4, (count, 12))
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -1] = tokens[:, 0]
    {more}
    return Batch(tokens, targets)
"""


def written(folder: Path, name: str, more: str = "", chance: str = "0.25") -> Path:
    """A file with a task that asks for the first token; `more` changes what is drawn."""
    file = folder / f"{name}.py"
    file.write_text(HEAD.format(name=name, more=more or "pass", chance=chance), encoding="utf-8")
    return file


def test_a_file_is_read_without_running_it() -> None:
    own = read_own_task(HONEST)
    assert (own.name, own.label, own.seam) == ("late_echo", "Late echo", "task")
    assert (own.vocabulary, own.length, own.classes, own.chance) == (9, 16, 8, 0.125)
    assert own.input == "task_files/late_echo.py"


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("import torch\n", "imports torch"),
        ("from tools.tasks.suite import mqar\n", r"imports tools\.tasks\.suite"),
        ("x = 1\n", "defines no @drawn_task"),
        ("@drawn_task('mqar', vocabulary=4, length=4, chance=0.5)\n", "built-in task is called"),
        ("@drawn_task('a', vocabulary=4, length=4)\n", "chance is None"),
        ("@drawn_task('a', vocabulary=4, length=4, chance=1)\n", "chance is 1"),
        ("@drawn_task('a', vocabulary=4, length=999, chance=0.5)\n", "length is 999"),
        ("@drawn_task('a', vocabulary=True, length=4, chance=0.5)\n", "vocabulary is True"),
        ("V = 4\n@drawn_task('a', vocabulary=V, length=4, chance=0.5)\n", "not written out"),
    ],
)
def test_a_file_that_is_no_task_is_answered_in_one_sentence(
    tmp_path: Path, head: str, says: str
) -> None:
    file = tmp_path / "x.py"
    file.write_text(f"{head}def draws(draw, count): ...\n", encoding="utf-8")
    with pytest.raises(BadInput, match=says) as caught:
        read_own_task(file)
    assert "\n" not in str(caught.value)


def test_a_function_that_takes_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    head = "@drawn_task('a', vocabulary=4, length=4, chance=0.5)\n"
    file.write_text(f"{head}def draws(draw, count, size): ...\n", encoding="utf-8")
    with pytest.raises(BadInput, match="must take the generator and the number"):
        read_own_task(file)


Rows = dict[str, object]


@dataclass
class Claims:
    """An executor whose job leaves rows made from the call, as a real one would."""

    make: Callable[[int, int], Rows]
    verdict: Verdict = "ok"
    slots: int = 1
    seeds: list[int] = field(default_factory=list)

    def submit(self, job: Job) -> Future[Outcome]:
        call = json.loads((job.folder / "call.json").read_text(encoding="utf-8"))
        self.seeds.append(call["seed"])
        rows = self.make(call["seed"], call["arguments"]["count"])
        (job.folder / "result.json").write_text(json.dumps(rows), encoding="utf-8")
        made: Future[Outcome] = Future()
        made.set_result(Outcome(job.id, self.verdict, "", "it failed", 0, 1.0, 1.0, 1, "a test"))
        return made

    def cancel(self) -> None: ...


def batch_of_seed(seed: int, count: int) -> Batch:
    """What the honest example draws."""
    draw = np.random.default_rng(seed)
    tokens = draw.integers(0, 8, (count, 16))
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -1] = tokens[:, 0]
    return Batch(tokens, targets)


def rows_of(batch: Batch) -> Rows:
    items = items_of(batch)
    return {"prompts": [i.prompt for i in items], "answers": [i.answer for i in items]}


def honest(seed: int, count: int) -> Rows:
    return rows_of(batch_of_seed(seed, count))


def table(claims: Claims, folder: Path) -> Table:
    return Table(claims, folder, threading.Event())


def test_splits_are_disjoint_repeat_and_the_test_hangs_on_the_secret(tmp_path: Path) -> None:
    own, claims = read_own_task(HONEST), Claims(honest)
    at = table(claims, tmp_path)
    parts = {part: at.split(own, part, 3, 100, SECRET) for part in ("train", "dev", "test")}
    assert all(len(batch) == 100 for batch in parts.values())
    assert all(belongs(batch.tokens, part).all() for part, batch in parts.items())
    asked = len(claims.seeds)
    again = at.split(own, "test", 3, 100, SECRET)
    assert len(claims.seeds) == asked, "what was drawn is read again"
    assert np.array_equal(again.tokens, parts["test"].tokens)
    other = at.split(own, "test", 3, 100, "another secret")
    assert not np.array_equal(other.tokens, again.tokens)
    plain = [at.split(own, part, 3, 100).tokens for part in ("train", "dev")]
    assert np.array_equal(plain[0], parts["train"].tokens)
    assert np.array_equal(plain[1], parts["dev"].tokens)
    assert len(set(claims.seeds)) == 4


def changed(change: Callable[[Rows], object]) -> Callable[[int, int], Rows]:
    def make(seed: int, count: int) -> Rows:
        rows = honest(seed, count)
        change(rows)
        return rows

    return make


HOSTILE: dict[str, tuple[Callable[[Rows], object], str]] = {
    "fewer": (lambda r: r["prompts"].pop(), "prompts and"),
    "a further field": (lambda r: r.update(more=1), "other fields"),
    "no list": (lambda r: r.update(prompts="0"), "other fields"),
    "no numbers": (lambda r: r["prompts"].__setitem__(0, "a b ? 0"), "are not numbers"),
    "below zero": (lambda r: r["prompts"].__setitem__(0, "-1 " * 16 + "? 15"), "are not numbers"),
    "too large": (lambda r: r["prompts"].__setitem__(0, "9 " * 16 + "? 15"), "the token 9"),
    "longer": (lambda r: r["prompts"].__setitem__(0, "1 " * 17 + "? 15"), "several lengths"),
    "asks behind": (lambda r: r["prompts"].__setitem__(0, "1 " * 16 + "? 16"), "behind its end"),
    "asks nothing": (
        lambda r: (r["prompts"].__setitem__(0, "1 " * 16 + "?"), r["answers"].__setitem__(0, "")),
        "asks nothing",
    ),
    "two answers": (lambda r: r["answers"].__setitem__(0, "1 2"), "2 answers"),
    "no class": (lambda r: r["answers"].__setitem__(0, "8"), "the answer 8"),
    "endless": (lambda r: r["prompts"].__setitem__(0, "1 " * 9_000_000), "result.json"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_a_draw_leaves_is_read_as_hostile(tmp_path: Path, what: str) -> None:
    change, says = HOSTILE[what]
    own = read_own_task(HONEST)
    made = table(Claims(changed(change)), tmp_path).draw(own, 1, 64)
    assert made.batch is None
    assert says in made.failure
    assert made.failure.isprintable()
    found = check_laws(own, Claims(changed(change)), tmp_path / "laws")
    assert not found.lawful
    assert found.laws["draws"] != "holds"
    assert {found.laws[law] for law in LAWS["task"][1:]} == {"not reached"}


def constant(seed: int, count: int) -> Rows:
    return rows_of(batch_of_seed(0, count))


def one_row(seed: int, count: int) -> Rows:
    batch = batch_of_seed(seed, 1)
    return rows_of(Batch(batch.tokens.repeat(count, 0), batch.targets.repeat(count, 0)))


def easy(seed: int, count: int) -> Rows:
    batch = batch_of_seed(seed, count)
    return rows_of(Batch(batch.tokens, np.where(batch.targets == NOT_ASKED, NOT_ASKED, 3)))


def torn(seed: int, count: int) -> Rows:
    batch = batch_of_seed(seed, count)
    batch.tokens[1], batch.targets[1] = batch.tokens[0], batch.targets[0]
    batch.targets[1, -1] = (batch.targets[0, -1] + 1) % 8
    return rows_of(batch)


class Fresh:
    """Draws otherwise each time that it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, seed: int, count: int) -> Rows:
        self.times += 1
        return rows_of(batch_of_seed(seed + self.times, count))


@pytest.mark.parametrize(
    ("make", "law", "says"),
    [
        (Fresh(), "repeat", "other sequences in another process"),
        (constant, "repeat", "another number draws the same"),
        (one_row, "splits", "of the sequences differ"),
        (easy, "chance", "the best constant answer is right 1.000"),
        (torn, "answers", "1 sequences have several answers"),
    ],
)
def test_each_law_finds_what_breaks_it(
    tmp_path: Path, make: Callable[[int, int], Rows], law: str, says: str
) -> None:
    found = check_laws(read_own_task(HONEST), Claims(make), tmp_path)
    assert not found.lawful
    assert says in found.laws[law]
    assert "late_echo breaks a law of tasks" in found.sentence


def test_an_honest_draw_obeys_every_law_and_a_job_that_fails_does_not(tmp_path: Path) -> None:
    own = read_own_task(HONEST)
    found = check_laws(own, Claims(honest), tmp_path)
    assert found.lawful, found.sentence
    assert found.laws == dict.fromkeys(LAWS["task"], "holds")
    failed = check_laws(own, Claims(honest, "failed"), tmp_path / "other")
    assert not failed.lawful
    assert "it failed" in failed.sentence


def view_of(own: OwnTask, at: Table) -> TaskView:
    split = {part: items_of(at.split(own, part, 3, 40)) for part in ("train", "dev", "test")}
    asked = tuple(Question(item.prompt) for item in split["test"])
    drawn = own.drawn("quick")
    return TaskView(own.name, "positions", split["dev"], asked, 1, drawn, split["train"])


def test_a_trial_finds_the_task_by_its_name_with_what_was_drawn(tmp_path: Path) -> None:
    own = read_own_task(HONEST)
    view = view_of(own, table(Claims(honest), tmp_path))
    bring_view(view)
    task = find_sequence_task("late_echo")
    size = task.sizes["quick"]
    assert (size.vocabulary, size.length, size.classes, size.train) == (9, 16, 8, 12_800)
    assert items_of(task.data("train", 77, size, 10)) == view.train[:10]
    assert items_of(task.data("dev", 77, size, 40)) == view.dev
    for part, count in (("train", 41), ("test", 2)):
        with pytest.raises(BadInput, match="ask for fewer"):
            task.data(part, 77, size, count)
    bring_view(TaskView(own.name, "positions", (), view.test, 1, view.drawn))
    blind = find_sequence_task("late_echo").data("train", 0, size, 1)
    assert (blind.targets != NOT_ASKED).sum() == 1


def test_items_are_made_only_when_they_are_asked_for() -> None:
    made: list[str] = []

    def make(name: str) -> dict[str, tuple[()]]:
        made.append(name)
        return {"dev": (), "test": ()}

    items = LazyItems(("a", "b"), make)
    assert "a" in items
    assert "c" not in items
    assert list(items) == ["a", "b"]
    assert made == []
    assert items["b"] == {"dev": (), "test": ()}
    assert made == ["b"]


@pytest.mark.slow
def test_the_example_draws_in_real_sandboxes_and_a_pryer_reaches_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("a secret of the host", encoding="utf-8")
    prying = written(
        tmp_path,
        "prying",
        f"try:\n        targets[0, -1] = len(open({str(canary)!r}).read())\n"
        "    except OSError:\n        raise ValueError('nothing was reached')",
    )
    with closing(find_backend("bubblewrap")) as backend, LocalExecutor(backend, 2) as executor:
        good = check_laws(read_own_task(HONEST), executor, tmp_path / "run")
        bad = check_laws(read_own_task(prying), executor, tmp_path / "run")
    assert good.lawful, good.sentence
    assert good.isolation == "bubblewrap"
    assert not bad.lawful
    assert "nothing was reached" in bad.sentence
