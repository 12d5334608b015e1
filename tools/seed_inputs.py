"""The tasks as trials may see them: dev items with answers, test prompts without."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from sandbox.records import Split
from tools.subject import Subject
from tools.tasks.task import Item, TaskCard


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
        text = json.dumps(_view(card, items[card.name]), ensure_ascii=False)
        (draft / f"{card.name}.json").write_text(text, encoding="utf-8")
    draft.rename(place)
    return place


def _view(card: TaskCard, items: Mapping[Split, tuple[Item, ...]]) -> dict[str, JsonValue]:
    return {
        "name": card.name,
        "kind": card.kind,
        "answer_tokens": card.answer_tokens,
        "dev": [{**_question(item), "answer": item.answer} for item in items["dev"]],
        "test": [_question(item) for item in items["test"]],
    }


def _question(item: Item) -> dict[str, JsonValue]:
    return {"prompt": item.prompt, "choices": list(item.choices)}
