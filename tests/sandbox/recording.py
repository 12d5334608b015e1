"""What the attacks came to, as pytest carries it from a test to its summary and to the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

KEY = "sandbox attack"
Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Row:
    """One case at one level.

    held: `yes`, `no` (declared so, and found so), or `not tried` with the reason in `what`.
    """

    case: str
    level: str
    held: str
    what: str


def record(into: Record, case: str, level: str, held: str, what: str) -> None:
    """Keep a row with the test's report."""
    into(KEY, json.dumps(asdict(Row(case, level, held, what))))


def rows(properties: list[tuple[str, object]]) -> list[Row]:
    """The rows of a report."""
    return [Row(**json.loads(str(value))) for name, value in properties if name == KEY]
