"""What earlier runs answered, told without a value: those are theirs."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from papers.manuscript import Block, Items, Paragraph
from sandbox.ledger import Ledger
from sandbox.records import MemoryLine

ANSWERED = "sec:answered"
_USED = {
    "off": "The run looked at no other run: what it asked follows from its topic, its seed and the "
    "speed of its machine.",
    "cited": "The run looked up its questions in the runs beside it, and did not ask again what "
    "they had answered; without them the same command asks those questions too.",
    "asked again": "The run looked up its questions in the runs beside it, and asked again what "
    "they had answered.",
}
"""What run.json says of the lab's memory, and what that means for whoever repeats the run."""
_CODE = {True: "by the same code", False: "by another version of the code"}


def answered_before(ledger: Ledger) -> tuple[Block, ...]:
    """One item for each answer that the run cites; nothing where it cites none."""
    lines = ledger.lines(MemoryLine)
    if not lines:
        return ()
    return (
        Paragraph(
            text="Earlier runs beside this one answered questions that were open to it. They are "
            "recognised by what they compare: the same calls on both sides, on the same models "
            "and tasks, by the same metric. Their values are not part of this run's evidence and "
            "are not repeated here; {{code:hanji verify}} compares each with the ledger of the run "
            "that is named, where that is at hand."
        ),
        Items(items=tuple(_item(line) for line in lines)),
    )


def memory_used(facts: Mapping[str, JsonValue]) -> tuple[Paragraph, ...]:
    """Whether earlier runs had a say in what was asked; nothing for a run that does not tell."""
    text = _USED.get(str(facts.get("memory", "")))
    return (Paragraph(text=text),) if text else ()


def _item(line: MemoryLine) -> str:
    at = f"memory:{line.id}"
    return (
        f"{{{{{at}.title|text}}}}: {{{{{at}.ruling|text}}}} in run {{{{{at}.run|text}}}}, "
        f"{_CODE[line.same_code]}."
    )
