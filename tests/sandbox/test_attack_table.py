"""The page's table of attacks names every case, and the suite's summary every one not tried."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import summary
from tests.sandbox.attacks.registry import ATTACKS, CONTENTS, STAGED, expected
from tests.sandbox.levels import level_names
from tests.sandbox.recording import Row, record, rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def attacks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_attacks", ROOT / "docs" / "attacks.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_case_and_every_level_is_in_the_page(attacks: ModuleType) -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert attacks.missing(text) == [], "run `make attacks`"


def test_a_case_that_the_page_lacks_is_named(attacks: ModuleType) -> None:
    page = f"{attacks.BEGIN}\n{attacks.table({})}\n{attacks.END}"
    assert attacks.missing(page) == []
    (row,) = [line for line in page.splitlines() if "| become root |" in line]
    assert attacks.missing(page.replace(row, "")) == ["| become root | denied |"]
    assert attacks.missing(f"{page.replace(row, '')}\n{row}") == ["| become root | denied |"]


def test_the_table_has_what_was_seen(attacks: ModuleType) -> None:
    level, *others = level_names()
    seen = {"become root": {level: "denied: EPERM", "process": "it works"}}
    (row,) = [line for line in attacks.table(seen).splitlines() if "| become root |" in line]
    assert (
        row == f"| become root | denied | denied: EPERM |{' not tried |' * len(others)} it works |"
    )


def test_names_are_not_used_twice_and_say_how_they_must_end() -> None:
    assert len(expected()) == len(ATTACKS) + len(CONTENTS) + len(STAGED)
    assert all(set(letters) <= set("DKRC/") for letters in expected().values())


def test_the_summary_counts_and_names_what_was_not_tried() -> None:
    kept: list[tuple[str, object]] = []
    into = lambda name, value: kept.append((name, value))  # noqa: E731
    record(into, "fork", "landlock", "yes", "killed: processes")
    record(into, "see", "landlock", "no", "there are no namespaces")
    record(into, "fork", "process", "not tried", "it would do harm")
    record(into, "see", "process", "no", "it works")
    assert rows(kept)[1] == Row("see", "landlock", "no", "there are no namespaces")
    assert summary(rows(kept)) == [
        "landlock: 1 contained, 1 not contained",
        "  not contained: see: there are no namespaces",
        "process: 1 not tried, 1 not contained",
        "  not tried: fork: it would do harm",
    ]
