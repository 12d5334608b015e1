"""Publish the paper with what must be said on its first page, and the morning page."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent import gate
from agent.lab import Lab
from agent.nodes.review import earlier_rounds
from agent.press import Press
from agent.state import State, Update
from agent.summary import summary
from papers.review.finding import Round
from papers.verify import verify
from sandbox.records import PaperLine, short_id
from tools.atomic import write_atomically

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

PUBLISHED = ("paper.pdf", "paper.html", "paper.tex", "manuscript.json", "manifest.json")


def publish(state: State, runtime: Runtime[Lab]) -> Update:
    """The final build with its banner, the paper's digests in the ledger, SUMMARY.md."""
    lab = runtime.context
    with lab.stage("publish"):
        press = Press(lab)
        rounds = earlier_rounds(lab, state["review_round"] + 1)
        unsound = "" if state["sound"] else banner_of(rounds)
        banner = " ".join(part for part in (gate.banner(lab), unsound) if part)
        manuscript = press.manuscript()
        # A build that was cut short leaves the new manuscript beside the old PDF.
        if manuscript.banner != banner or not press.is_built():
            press.set(manuscript.model_copy(update={"banner": banner}))
        _seal_paper(lab, press.folder, "published" if state["sound"] else "failed-review")
    found = verify(lab.folder)
    lab.say("publish", "verified" if found.ok else f"NOT VERIFIED: {found.places[0]}")
    text = summary(lab, state["stopped"], unsound, found)
    write_atomically(lab.folder / "SUMMARY.md", text)
    return {}


def banner_of(rounds: list[Round]) -> str:
    """What the first page says when a review left something that blocks, without a number."""
    if not rounds:
        return "FAILED REVIEW: the paper was not reviewed"
    last = rounds[-1]
    found = [f.check for f in last.findings if f.severity == "blocking"]
    unchecked = [f"{u.check} could not be checked" for u in last.unchecked if u.blocking]
    reasons = "; ".join(dict.fromkeys((*found, *unchecked))).replace("_", " ")
    return f"FAILED REVIEW: {reasons}. The last round in reviews says where."


def _seal_paper(lab: Lab, folder: Path, status: Literal["published", "failed-review"]) -> None:
    files = {
        f"paper/{name}": hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in PUBLISHED
        if (folder / name).is_file()
    }
    lab.ledger.append(PaperLine(id=short_id([status, files]), status=status, files=files))
