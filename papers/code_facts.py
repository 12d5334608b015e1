"""Facts about code that is not of the product: brought with the question, or written by the mind.

What was brought stands in run.json, which is written before the run's work. What the mind wrote
stands in the ledger, and is added to those facts wherever they are read.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from pydantic import JsonValue

from sandbox.ledger import Ledger
from sandbox.records import CODE_FOLDERS, CodeLine


def code_fact(name: str, label: str, file: str, digest: str, author: str) -> dict[str, JsonValue]:
    """One file. file: below the run's folder. author: empty for whoever brought the question.

    The words of the digest fit on printed lines.
    """
    return {
        "name": name,
        "label": label,
        "file": file,
        "digest": digest,
        "digest_in_words": " ".join(textwrap.wrap(digest, 8)),
        "author": author,
    }


def with_written(facts: Mapping[str, JsonValue], ledger: Ledger) -> dict[str, JsonValue]:
    """The facts, with the lawful files that the mind wrote after those that were brought."""
    made = dict(facts)
    for line in ledger.lines(CodeLine):
        if line.lawful:
            label = line.name.replace("_", " ").capitalize()
            fact = code_fact(line.name, label, line.file, line.file_digest, line.author)
            kind = CODE_FOLDERS[line.seam]
            known = made.get(kind, [])
            told = known if isinstance(known, list) else []
            made[kind] = [*(k for k in told if k != fact), fact]
            made["subject"] = _with_task(made.get("subject"), line.card)
    return made


def _with_task(subject: JsonValue, card: dict[str, JsonValue]) -> JsonValue:
    """The facts of the subject with a task that the mind wrote, once."""
    tasks = subject.get("tasks") if isinstance(subject, dict) else None
    if not card or not isinstance(subject, dict) or not isinstance(tasks, list) or card in tasks:
        return subject
    return {**subject, "tasks": [*tasks, card]}
