"""What a person sees while a run works, and how Ctrl-C is heard."""

from __future__ import annotations

import io
import os
import signal
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from agent.budget import Spend
from agent.interrupt import Interrupt
from agent.progress import Event
from agent.terminal import Lines, Screen, clock, watching

AT_WORK = Event(
    stage="experiment",
    hypothesis="한국어와 영어 전문가를 합치면 어느 부모에게도 없는 기술이 생긴다" * 3,
    trials_done=12,
    trials_running=2,
    trials_total=96,
    best=0.8125,
    spent=Spend(wall_s=65.0, cpu_s=120.0),
    left_s=295.0,
)


def test_the_picture_shows_stage_trials_best_spend_and_time_left() -> None:
    page = io.StringIO()
    screen = Screen(Console(file=page, width=100))
    screen(AT_WORK)
    screen.live.console.print(screen.picture())
    shown = page.getvalue()
    for part in ("experiment", "12 of 96 done, 2 running", "81.2%", "1m 05s of 6m 00s", "left"):
        assert part in shown
    assert "한국어와" in shown


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_of_the_picture_is_wider_than_the_terminal(width: int) -> None:
    page = io.StringIO()
    screen = Screen(Console(file=page, width=width))
    screen(AT_WORK)
    screen.live.console.print(screen.picture())
    assert max(cell_len(line) for line in page.getvalue().splitlines()) <= width


def test_plain_lines_tell_stages_and_hypotheses_once_and_trials_rarely() -> None:
    page = io.StringIO()
    lines = Lines(page)
    lines(Event(stage="survey"))
    for done in range(90):
        name = ("even", "odd")[done % 2]
        lines(replace(AT_WORK, trials_done=done, hypothesis=name, text=f"finished: trial {done}"))
    lines(replace(AT_WORK, trials_done=89, text="failed: trial 90", hypothesis="even"))
    lines(Event(stage="interpret", text="so far refuted", hypothesis="odd"))
    said = [line.partition(";")[0] for line in page.getvalue().splitlines()]
    assert [line for line in said if not line.startswith("trials 0")] == [
        "survey",
        "experiment",
        "hypothesis: even",
        "hypothesis: odd",
        "failed: trial 90",
        "trials 89 of 96, best 81.2%",
        "interpret",
        "so far refuted",
    ]


def test_counts_stay_in_the_picture_after_the_trials() -> None:
    screen = Screen(Console(file=io.StringIO(), width=80))
    screen(AT_WORK)
    screen(Event(stage="interpret", text="so far refuted"))
    assert (screen.event.trials_done, screen.event.trials_total) == (12, 96)
    assert screen.event.stage == "interpret"


def test_a_pipe_gets_plain_lines_and_machines_get_nothing() -> None:
    page = io.StringIO()
    with watching(stream=page) as watch:
        watch(Event(stage="survey"))
    with watching(quiet=True, stream=page) as watch:
        watch(Event(stage="design"))
    assert page.getvalue() == "survey\n"


def test_durations_read_as_people_say_them() -> None:
    assert [clock(s) for s in (0.4, 59, 185, 7810)] == ["0s", "59s", "3m 05s", "2h 10m"]


def test_the_first_interrupt_asks_to_stop_and_the_second_stops_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.stop.is_set()
        assert "Ctrl-C again stops at once" in capsys.readouterr().err
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
