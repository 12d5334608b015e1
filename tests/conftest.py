"""No test waits for a disk; at the end: how many attacks were tried, and by name which were not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from tests.sandbox.recording import Row, rows


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """No test cuts the power, and what a killed process has written is there without a flush."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [r for key in ("passed", "skipped") for r in terminalreporter.getreports(key)]
    lines = summary([row for report in reports for row in told(report)])
    lines += left_out([r for r in terminalreporter.getreports("skipped") if not told(r)])
    if lines:
        terminalreporter.section("attacks on the sandbox, and what was skipped")
    for line in lines:
        terminalreporter.write_line(line)


def told(report: pytest.TestReport) -> list[Row]:
    """What it recorded of attacks."""
    return rows(report.user_properties)


def left_out(reports: list[pytest.TestReport]) -> list[str]:
    """For each reason to skip tests: how many, and their names."""
    why: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        why[reason].append(report.nodeid.rpartition("/")[2])
    return [
        line
        for reason, names in why.items()
        for line in (f"skipped: {len(names)}: {reason}", *(f"  {name}" for name in names))
    ]


def summary(found: list[Row]) -> list[str]:
    """One line for each level, then each case that got through or was not tried, and why."""
    told = {"yes": "contained", "no": "not contained", "not tried": "not tried"}
    levels: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        levels[row.level].append(row)
    lines = []
    for level, own in levels.items():
        counts = Counter(told[row.held] for row in own)
        lines.append(f"{level}: " + ", ".join(f"{n} {held}" for held, n in counts.items()))
        lines += [
            f"  {told[row.held]}: {row.case}: {row.what}"
            for row in own
            if row.held == "not tried" or (row.held == "no" and row.level != "process")
        ]
    return lines
