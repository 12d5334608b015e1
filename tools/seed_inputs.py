"""The tasks as trials may see them: dev items with answers, test prompts without."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from tools.subject import Subject
from tools.tasks.task import TaskView


def seed_inputs(folder: Path, subject: Subject, seed: int) -> Path:
    """Write `inputs/<digest of the items>/<task>.json` below the run's folder, once."""
    place = folder / "inputs" / subject.data_digest(seed)[:12]
    if place.is_dir():
        return place
    draft = place.with_name(f".{place.name}.{os.getpid()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    items = subject.items(seed)
    for card in subject.cards:
        view = asdict(TaskView.of(card, items[card.name]))
        text = json.dumps(view, ensure_ascii=False)
        (draft / f"{card.name}.json").write_text(text, encoding="utf-8")
    draft.rename(place)
    return place
