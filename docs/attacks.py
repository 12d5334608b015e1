"""Attack every sandbox of this machine, and write what came of it into docs/sandbox.md.

python -P docs/attacks.py             run the confinement suite and write its table
python -P docs/attacks.py --check     exit 1 and name the cases that the page lacks; a test does so
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "sandbox.md"
BEGIN = "<!-- Attacks: written by docs/attacks.py (`make attacks`) from a run of the suite. -->"
END = "<!-- End of the attacks. -->"
SUITE = ("test_attacks.py", "test_staged_attacks.py", "test_tex.py")
EVERY = "every backend"
CONTROL = "process"
LETTERS = {"D": "denied", "K": "killed", "R": "rejected", "C": "harmless"}


class Recorder:
    """A pytest plugin that keeps what each attack came to. seen: case -> level -> what."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: object) -> None:
        """Keep what a test recorded of an attack."""
        from tests.sandbox.recording import rows

        if getattr(report, "when", "") != "call" and not getattr(report, "skipped", False):
            return
        for row in rows(getattr(report, "user_properties", [])):
            words = {"yes": row.what, "no": f"**not contained**: {row.what}"}
            if row.level == CONTROL:
                words = {"no": row.what}
            told = words.get(row.held, f"not tried: {row.what}")
            self.seen.setdefault(row.case, {})[row.level] = told


def expected() -> Mapping[str, str]:
    """Name of every case -> its letters, in the page's order."""
    from tests.sandbox.attacks.registry import expected

    return expected()


def levels() -> list[str]:
    """The columns of the table."""
    from tests.sandbox.levels import level_names

    return level_names()


def wanted() -> list[str]:
    """The first cells of every row, as the page must have them."""
    return [_first(name, letters) for name, letters in expected().items()]


def missing(text: str) -> list[str]:
    """What of `wanted`, and of the columns, the page does not have."""
    table = text.partition(BEGIN)[2].partition(END)[0]
    return [row for row in (_head(levels()), *wanted()) if row not in table]


def table(seen: Mapping[str, Mapping[str, str]]) -> str:
    """All cases, each with what was seen at each level."""
    columns = levels()
    lines = [_head(columns), "|" + " --- |" * (len(columns) + 3)]
    for name, letters in expected().items():
        found = seen.get(name, {})
        every = found.get(EVERY, "")
        cells = [found.get(level, every) or "not tried" for level in columns]
        control = found.get(CONTROL, "not tried")
        lines.append(_first(name, letters) + "".join(f" {_plain(x)} |" for x in (*cells, control)))
    return "\n".join(lines)


def _head(columns: Sequence[str]) -> str:
    return "| case | expected | " + " | ".join((*columns, "control: no sandbox")) + " |"


def _first(name: str, letters: str) -> str:
    words = " or ".join(LETTERS[letter] for letter in letters.split("/"))
    return f"| {_plain(name)} | {words} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def write(seen: Mapping[str, Mapping[str, str]]) -> None:
    """Put the table between the marks of the page."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE} has no marks for the table")
    person = "root" if os.geteuid() == 0 else "an ordinary user"
    day = datetime.datetime.now(datetime.UTC).date()
    about = f"Seen on {day}, as {person}, on Linux {platform.release().split('-')[0]}."
    PAGE.write_text(f"{before}{BEGIN}\n{about}\n\n{table(seen)}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Run and write, or with --check only compare."""
    sys.path.insert(0, str(ROOT))
    if "--check" in sys.argv[1:]:
        found = missing(PAGE.read_text(encoding="utf-8"))
        for row in found:
            print(f"{PAGE} lacks: {row}")
        return 1 if found else 0
    import pytest

    recorder = Recorder()
    paths = [str(ROOT / "tests" / "sandbox" / name) for name in SUITE]
    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *paths], [recorder])
    if code:
        print("the suite failed; the page is as it was")
        return 1
    write(recorder.seen)
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
