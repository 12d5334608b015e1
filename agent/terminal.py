"""What a person sees while a run works: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.progress import Event, Watch, unwatched

STAGES = (
    "survey",
    "hypothesize",
    "design",
    "experiment",
    "interpret",
    "write",
    "review",
    "revise",
    "publish",
)
LINE_EVERY_S = 30.0
TITLE = "hypothesis: "
LABEL_CELLS, BAR_CELLS = 11, 30


@contextmanager
def watching(*, quiet: bool = False, stream: TextIO | None = None) -> Iterator[Watch]:
    """A watch for one run, on stderr: stdout belongs to the result. quiet: show nothing."""
    stream = sys.stderr if stream is None else stream
    if quiet:
        yield unwatched
    elif stream.isatty():
        screen = Screen(Console(file=stream))
        with screen.live:
            yield screen
    else:
        yield Lines(stream)


class Screen:
    """A few lines, redrawn in place: stage, hypothesis, trials, best so far, time left, spend."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.event = Event(stage=STAGES[0])
        self._at = time.monotonic()
        self._news = News()
        self.live = Live(
            console=console,
            get_renderable=self.picture,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=True,
        )

    def __call__(self, event: Event) -> None:
        """Show this moment; what is worth keeping stays above the picture."""
        self.event, self._at = _with_counts(event, self.event), time.monotonic()
        for line in [] if _routine(event) else self._news.of(event):
            style = "bold" if line.startswith(TITLE) else ""
            self._console.print(Text(line, style=style))

    def picture(self) -> RenderableType:
        """The picture as of now: the clock goes on between two events."""
        event = self.event
        since = time.monotonic() - self._at
        room = self._console.width - LABEL_CELLS - 2
        rows = Table.grid(padding=(0, 2, 0, 0), expand=True)
        rows.add_column(style="dim", no_wrap=True, width=LABEL_CELLS)
        rows.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
        rows.add_row("stage", _path(event.stage, room))
        if event.hypothesis:
            rows.add_row("hypothesis", Text(event.hypothesis))
        rows.add_row("trials", _trials(event, room))
        if event.stage == "experiment" and event.text and _routine(event):
            rows.add_row("now", Text(event.text))
        if event.best >= 0:
            rows.add_row("best so far", Text(f"{event.best:.1%} on held-out items"))
        rows.add_row("time", Text(_time(event, since)))
        rows.add_row("spent", Text(_spent(event)))
        return Group(Text(""), rows)


class News:
    """What is worth keeping of the events: each hypothesis once, each message once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def of(self, event: Event) -> list[str]:
        """Lines that were not said before; a message is about the hypothesis that it names."""
        about = event.hypothesis
        named = f"{TITLE}{about}" if about else ""
        said = "" if _routine(event) else event.text
        if said and named in self._told and not event.trials_total:
            said += f": {about}"
        lines = [line for line in (named, said) if line and line not in self._told]
        self._told.update(lines)
        return lines


class Lines:
    """A line for every stage, hypothesis and message; for the trials, one every half minute."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._now = Event(stage="")
        self._news = News()
        self._counted = (0, 0)
        self._line_at = 0.0

    def __call__(self, event: Event) -> None:
        """Say what is new, if it is worth a line."""
        before, self._now = self._now, _with_counts(event, self._now)
        if event.stage != before.stage:
            self._count(before)
            self._say(event.stage)
        for line in self._news.of(event):
            self._say(line)
        done = event.trials_done == event.trials_total
        if done or time.monotonic() - self._line_at >= LINE_EVERY_S:
            self._count(self._now)

    def _count(self, event: Event) -> None:
        """Where the trials stand, unless that was said."""
        counts = (event.trials_done, event.trials_total)
        if not event.trials_total or counts == self._counted:
            return
        self._counted, self._line_at = counts, time.monotonic()
        best = f", best {event.best:.1%}" if event.best >= 0 else ""
        done = f"trials {event.trials_done} of {event.trials_total}{best}"
        self._say(f"{done}; {_time(event, 0.0)}; {_spent(event)}")

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _routine(event: Event) -> bool:
    """One of hundreds of trials that started or ended well: not worth a line of its own."""
    return event.trials_total > 0 and not event.text.startswith("failed")


def _with_counts(event: Event, before: Event) -> Event:
    """An event that is not about trials leaves their counts as they were; the best never falls."""
    best = max(event.best, before.best)
    if event.trials_total:
        return replace(event, best=best)
    done, total = before.trials_done, before.trials_total
    return replace(event, trials_done=done, trials_total=total, best=best)


def clock(seconds: float) -> str:
    """Seconds as people read them: 42 s, 3 min 05 s, 2 h 10 min, 6 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    large, small, units = whole // 60, whole % 60, ("min", "s")
    if whole >= 3600:
        large, small, units = whole // 3600, whole % 3600 // 60, ("h", "min")
    return f"{large} {units[0]}" + (f" {small:02d} {units[1]}" if small else "")


def _path(stage: str, room: int) -> Text:
    """The nine stages in a row, the present one marked; it alone where the row has no room."""
    stages = STAGES if stage in STAGES else (*STAGES, stage)
    path = Text()
    for name in stages:
        if path:
            path.append(" > ", style="dim")
        path.append(name, style="bold reverse" if name == stage else "dim")
    if path.cell_len <= room:
        return path
    return Text.assemble((stage, "bold"), f" ({stages.index(stage) + 1} of {len(stages)})")


def _trials(event: Event, room: int) -> RenderableType:
    """Counts, after a bar where there is room for one."""
    done = f"{event.trials_done} of {event.trials_total} done, {event.trials_running} running"
    if room < BAR_CELLS + 2 + len(done):
        return Text(done)
    row = Table.grid(padding=(0, 2, 0, 0))
    bar = ProgressBar(
        total=max(1, event.trials_total),
        completed=min(event.trials_done, event.trials_total),
        width=BAR_CELLS,
    )
    row.add_row(bar, Text(done))
    return row


def _time(event: Event, since_s: float) -> str:
    """Of the wall time."""
    gone_s, left_s = event.spent.wall_s + since_s, max(0.0, event.left_s - since_s)
    total = clock(event.spent.wall_s + event.left_s)
    return f"{clock(gone_s)} of {total}, {clock(left_s)} left"


def _spent(event: Event) -> str:
    """Besides the wall time."""
    dollars = f", ${event.spent.dollars:.2f}" if event.spent.dollars else ""
    return f"{clock(event.spent.cpu_s)} of CPU time{dollars}"
