"""A mind at work in a real lab, asked over HTTP by a server that does what a script says."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agent.budget import Budget, Spend, spent_before
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.exchange import Exchange
from agent.endpoint.transcript import read_exchanges
from agent.lab import Lab
from agent.minds.language_model.language_model import LanguageModel
from agent.minds.language_model.standby import failures
from agent.minds.language_model.voice import voice_in
from agent.minds.playbook.playbook import Playbook
from agent.toolbox import LabToolbox
from sandbox.ledger import Ledger
from sandbox.records import CostLine, RunLine
from tests.agent.open_lab import MERGING, in_a_run

KEY = "sk-scripted-0123456789abcdef"
ENVIRONMENT = {"OPENAI_API_KEY": KEY}
CAPS = Spend(
    wall_s=3600, trials=99, cpu_s=9e9, gpu_s=9e9, disk_bytes=1 << 40, tokens=600_000, dollars=0.0
)
NOBODY = "http://127.0.0.1:1/v1"
"""An address where nobody answers."""


@contextmanager
def open_lab(home: Path) -> Iterator[Lab]:
    """A lab that stays open: sandbox, executors and library are those of a run that was begun."""
    ready: queue.Queue[Lab] = queue.Queue()
    done = threading.Event()

    def work(lab: Lab) -> None:
        ready.put(lab)
        done.wait()

    body = {**MERGING, "first": []}
    thread = threading.Thread(target=in_a_run, args=(home, body, work))
    thread.start()
    try:
        yield ready.get(timeout=300)
    finally:
        done.set()
        thread.join()


@dataclass(frozen=True)
class Desk:
    """One session of a run of its own folder."""

    lab: Lab
    mind: LanguageModel

    @classmethod
    def of(
        cls, lab: Lab, folder: Path, base_url: str, caps: Spend = CAPS, **settings: object
    ) -> Desk:
        """A session in this folder, new or begun. settings: of the endpoint."""
        folder.mkdir(exist_ok=True)
        ledger = Ledger(folder / "ledger.jsonl")
        if not ledger.lines(RunLine):
            ledger.append(lab.ledger.lines(RunLine)[0])
        plain = {"base_url": base_url, "model": "m", "retries": 1, "timeout_s": 5}
        endpoint = Endpoint.model_validate(plain | settings)
        here = replace(
            lab,
            folder=folder,
            ledger=ledger,
            budget=Budget(caps, spent_before(ledger)),
            settings=lab.settings.model_copy(update={"endpoint": endpoint}),
        )
        mind = LanguageModel(
            here.settings, Playbook(), lambda lab: voice_in(lab, ENVIRONMENT), LabToolbox
        )
        mind.attend(here)
        here.mind = mind
        return cls(here, mind)

    @property
    def failed(self) -> dict[str, str]:
        """Request -> why the built-in mind did it."""
        return failures(self.lab.ledger)

    @property
    def answered(self) -> set[str]:
        """Keys of what is answered on disk."""
        return {e.key for e in self._exchanges() if e.reply is not None}

    def check(self) -> None:
        """Nothing is lost, nothing is counted twice, the cap holds, the key is nowhere."""
        exchanges = self._exchanges()
        lines = [c for c in self.lab.ledger.lines(CostLine) if c.what.startswith("mind ")]
        counted = sum(line.tokens for line in lines)
        spent = self.lab.budget.spent()
        assert counted == spent.tokens <= self.lab.budget.caps.tokens
        replied = [e.reply for e in exchanges if e.reply is not None]
        told = sum(r.prompt_tokens + r.completion_tokens for r in replied)
        assert told <= counted
        if all(e.reply is not None for e in exchanges):
            assert told == counted
        assert Ledger(self.lab.ledger.path).lines(RunLine)
        for path in self.lab.folder.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path

    def _exchanges(self) -> list[Exchange]:
        folder = self.lab.folder / "mind"
        return read_exchanges(folder) if folder.is_dir() else []
