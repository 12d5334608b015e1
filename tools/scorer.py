"""The digests that say what a score is worth: of the code that scored, and of what it scored by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from sandbox.records import digest_of
from tools.folder_digest import file_digest
from tools.tasks.task import Item

_HERE = Path(__file__).parent
FILES = (
    "intake.py", "result_file.py", "sheets.py", "twins.py", "tasks/asked.py", "tasks/mark.py",
    "tasks/score.py", "tasks/sequence_score.py", "tasks/task.py",
)  # fmt: skip
"""The code of the trusted side from a trial's answers to their scores."""


@lru_cache(maxsize=1)
def scorer_digest() -> str:
    """SHA-256 over the sources that turn answers into scores; they run in no sandbox."""
    return digest_of({name: file_digest(_HERE / name) for name in FILES})


def labels_digest(items: Sequence[Item]) -> str:
    """SHA-256 over the items of one task and split, with their answers."""
    return digest_of([[item.prompt, item.answer, list(item.choices)] for item in items])
