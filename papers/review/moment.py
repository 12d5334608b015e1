"""The ledger as it was when a paper was built: costs and reviews are recorded after that too."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from papers.counts import count, spent
from papers.review.passage import Quoted
from papers.value import write
from sandbox.errors import LedgerBroken, UnbackedNumber
from sandbox.ledger import Ledger, Sealed
from sandbox.records import AnyLine, EvidenceLine, TrialLine, VerdictLine


class Moment(Ledger):
    """The first lines of a ledger. Nothing is added to it."""

    def __init__(self, whole: Ledger, lines: int) -> None:
        self.path = whole.path
        self._lock = threading.Lock()
        self._sealed: list[Sealed] = []
        self._index: dict[tuple[str, str], Sealed] = {}
        self._of_kind: dict[type[object], list[AnyLine]] = {}
        for sealed in whole.sealed()[:lines]:
            self._remember(sealed)

    def append(self, line: AnyLine) -> Sealed:
        """Refuse: the past is not written to."""
        raise LedgerBroken(f"{line.kind} {line.id} comes too late", "append to the whole ledger")


def as_built(ledger: Ledger, manifest: Path) -> Ledger:
    """The latest past of the ledger in which every counted number is what the manifest says.

    Counts and costs alone depend on the moment. The whole ledger where there are none, or where no
    moment since the last measurement or verdict fits.
    """
    counted = _counted(manifest)
    sealed = ledger.sealed()
    measured = (TrialLine, EvidenceLine, VerdictLine)
    first = max((s.number for s in sealed if isinstance(s.line, measured)), default=0)
    for lines in range(len(sealed), first - 1, -1) if counted else ():
        past = Moment(ledger, lines)
        if all(_text(past, Quoted(body)) == text for body, text in counted.items()):
            return past
    return ledger


def _counted(manifest: Path) -> dict[str, str]:
    if not manifest.is_file():
        return {}
    try:
        body = json.loads(manifest.read_text(encoding="utf-8"))
        entries = {str(e["expression"]): str(e["text"]) for e in body["numbers"]}
    except (ValueError, KeyError, TypeError):
        return {}
    return {
        body: text
        for body, text in entries.items()
        if Quoted(body).source in ("count", "cost") and Quoted(body).name != "references"
    }


def _text(ledger: Ledger, reference: Quoted) -> str:
    resolve = count if reference.source == "count" else spent
    try:
        return write(resolve(ledger, reference.name), reference.form)
    except UnbackedNumber:
        return ""
