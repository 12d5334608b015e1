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
    """A few lines, redrawn in place: stage, hypothesis, trials, best so far, spend, time left."""

    def __init__(self, console: Console) -> None:
        self.event = Event(stage=STAGES[0])
        self._at = time.monotonic()
        self._said = ""
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
        if event.text and event.text != self._said and not _routine(event):
            self._said = event.text
            self.live.console.print(Text(event.text))

    def picture(self) -> RenderableType:
        """The picture as of now: the clock goes on between two events."""
        event = self.event
        since = time.monotonic() - self._at
        rows = Table.grid(padding=(0, 2))
        rows.add_column(style="dim", no_wrap=True)
        rows.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
        rows.add_row("stage", _path(event.stage))
        if event.hypothesis:
            rows.add_row("hypothesis", Text(event.hypothesis))
        rows.add_row("trials", _trials(event))
        if event.text and _routine(event):
            rows.add_row("now", Text(event.text))
        if event.best >= 0:
            rows.add_row("best so far", Text(f"{event.best:.1%}"))
        rows.add_row("spent", Text(_spent(event, since)))
        return Group(Text(""), rows)


class Lines:
    """A line for every stage, hypothesis and message; for the trials, one every half minute."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._now = Event(stage="")
        self._told: set[str] = set()
        self._counted = (0, 0)
        self._line_at = 0.0

    def __call__(self, event: Event) -> None:
        """Say what is new, if it is worth a line."""
        before, self._now = self._now, event
        if event.stage != before.stage:
            self._count(before)
            self._say(event.stage)
        if event.hypothesis and event.hypothesis not in self._told:
            self._told.add(event.hypothesis)
            self._say(f"hypothesis: {event.hypothesis}")
        if event.text and event.text != before.text and not _routine(event):
            self._say(event.text)
        done = event.trials_done == event.trials_total
        if done or time.monotonic() - self._line_at >= LINE_EVERY_S:
            self._count(event)

    def _count(self, event: Event) -> None:
        """Where the trials stand, unless that was said."""
        counts = (event.trials_done, event.trials_total)
        if not event.trials_total or counts == self._counted:
            return
        self._counted, self._line_at = counts, time.monotonic()
        best = f", best {event.best:.1%}" if event.best >= 0 else ""
        self._say(f"trials {event.trials_done} of {event.trials_total}{best}; {_spent(event, 0.0)}")

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _routine(event: Event) -> bool:
    """One of hundreds of trials that started or ended well: not worth a line of its own."""
    return event.trials_total > 0 and not event.text.startswith("failed")


def _with_counts(event: Event, before: Event) -> Event:
    """An event that is not about trials leaves their counts as they were."""
    if event.trials_total:
        return event
    return replace(
        event,
        trials_done=before.trials_done,
        trials_total=before.trials_total,
        best=before.best,
    )


def clock(seconds: float) -> str:
    """Seconds as people read them: 42s, 3m 05s, 2h 10m."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def _path(stage: str) -> Text:
    """The nine stages in a row, the present one marked."""
    path = Text()
    for name in STAGES if stage in STAGES else (*STAGES, stage):
        if path:
            path.append(" > ", style="dim")
        path.append(name, style="bold reverse" if name == stage else "dim")
    return path


def _trials(event: Event) -> RenderableType:
    row = Table.grid(padding=(0, 2))
    done = f"{event.trials_done} of {event.trials_total} done, {event.trials_running} running"
    bar = ProgressBar(
        total=max(1, event.trials_total),
        completed=min(event.trials_done, event.trials_total),
        width=30,
    )
    row.add_row(bar, Text(done))
    return row


def _spent(event: Event, since_s: float) -> str:
    wall_s, left_s = event.spent.wall_s + since_s, max(0.0, event.left_s - since_s)
    parts = [f"{clock(wall_s)} of {clock(event.spent.wall_s + event.left_s)}"]
    parts.append(f"{clock(event.spent.cpu_s)} of computing")
    if event.spent.dollars:
        parts.append(f"${event.spent.dollars:.2f}")
    return f"{', '.join(parts)}; {clock(left_s)} left"
