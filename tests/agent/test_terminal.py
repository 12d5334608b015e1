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
    for part in ("experiment", "12 of 96 done, 2 running", "81.2%", "1 min 05 s of 6 min, 4 min"):
        assert part in shown
    assert "한국어와" in shown


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_of_the_picture_is_wider_than_the_terminal(width: int) -> None:
    page = io.StringIO()
    screen = Screen(Console(file=page, width=width))
    screen(AT_WORK)
    screen.live.console.print(screen.picture())
    lines = page.getvalue().splitlines()
    assert max(cell_len(line) for line in lines) <= width
    labels = ["stage", "hypothesis", "trials", "best so far", "time", "spent"]
    assert [line[:11].rstrip() for line in lines[-6:]] == labels
    said = " ".join(lines)
    for part in ("experiment", "12 of 96 done", "81.2% on held-out", "1 min 05 s of 6 min"):
        assert part in said


def test_a_narrow_picture_names_the_present_stage_alone() -> None:
    page = io.StringIO()
    screen = Screen(Console(file=page, width=80))
    screen(replace(AT_WORK, stage="publish"))
    screen.live.console.print(screen.picture())
    assert "publish (9 of 9)" in page.getvalue()


def test_what_is_kept_above_the_picture_says_which_hypothesis_it_is_about() -> None:
    page = io.StringIO()
    screen = Screen(Console(file=page, width=100))
    for name in ("even", "odd"):
        screen(Event(stage="hypothesize", text=f"{name} should win.", hypothesis=name))
    screen(replace(AT_WORK, text="started: evolved merge, seed 3", hypothesis="even"))
    for name in ("even", "odd"):
        screen(Event(stage="interpret", text="so far refuted", hypothesis=name))
    assert page.getvalue().splitlines() == [
        "hypothesis: even",
        "even should win.",
        "hypothesis: odd",
        "odd should win.",
        "so far refuted: even",
        "so far refuted: odd",
    ]


def test_the_best_so_far_never_falls() -> None:
    screen = Screen(Console(file=io.StringIO(), width=80))
    screen(AT_WORK)
    screen(replace(AT_WORK, trials_total=56, best=0.5))
    assert screen.event.best == AT_WORK.best


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
        "so far refuted: odd",
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
    said = {0.4: "0 s", 25: "25 s", 59.7: "1 min", 252: "4 min 12 s", 11_100: "3 h 05 min"}
    assert {seconds: clock(seconds) for seconds in said} == said


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
