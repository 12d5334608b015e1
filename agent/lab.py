"""What the nodes work with: context of the graph, never checkpointed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from agent.budget import Budget
from agent.memory import Memory
from agent.minds.mind import Mind
from agent.progress import Event, Watch, unwatched
from agent.replies import Replies
from agent.settings import Settings
from agent.topic import Topic
from sandbox.ledger import Ledger
from sandbox.records import CostLine, FailureLine, short_id
from tools.literature.library import Library
from tools.subject import Subject
from tools.workshop import Executor


class Stopped(Exception):
    """The person asked the run to stop; what is finished is kept."""


@dataclass
class Lab:
    """Everything a node may use.

    seeds: of the first plans; spare: seeds for replications. facts: run.json. stop: the person's
    wish to stop.

    evaluations: of each search. scale: how much dearer than the miniature the subject's models are.
    session: number of this session of the run. memory: what earlier runs answered.
    """

    folder: Path
    topic: Topic
    settings: Settings
    subject: Subject
    mind: Mind
    ledger: Ledger
    budget: Budget
    executor: Executor
    press: Executor
    library: Library
    facts: Mapping[str, JsonValue]
    seeds: tuple[int, ...]
    spare: tuple[int, ...]
    evaluations: int
    scale: float
    session: int
    memory: Memory
    stop: threading.Event = field(default_factory=threading.Event)
    watch: Watch = unwatched

    @property
    def replies(self) -> Replies:
        """Kept replies of the mind."""
        return Replies(self.folder / "replies")

    def say(self, stage: str, text: str = "", **more: object) -> None:
        """Tell the watcher."""
        event = Event(
            stage=stage,
            text=text,
            spent=self.budget.spent(),
            left_s=self.budget.seconds_left(),
            **more,  # type: ignore[arg-type]
        )
        self.watch(event)

    def check_stop(self) -> None:
        """Raise Stopped when the person asked for it."""
        if self.stop.is_set():
            raise Stopped

    @contextmanager
    def stage(self, name: str, number: int = 0) -> Iterator[None]:
        """Do one stage: announced, and its wall time recorded at the end."""
        self.check_stop()
        self.say(name)
        began = time.monotonic()
        yield
        self.check_stop()
        label = f"{name} {number}" if number else name
        wall_s = round(time.monotonic() - began, 3)
        id = short_id(["stage", label, self.session])
        self.ledger.append(CostLine(id=id, what=f"stage {label}", wall_s=wall_s))

    def failed(self, stage: str, what: str, fix: str = "") -> None:
        """Record that something could not be done, once."""
        self.ledger.append(
            FailureLine(id=short_id(["failure", stage, what]), stage=stage, what=what, fix=fix)
        )
