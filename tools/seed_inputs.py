"""The tasks as trials may see them: dev items with answers, test prompts without."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sandbox.records import digest_of
from tools.subject import ShowsTraining, Subject
from tools.tasks.task import TaskCard, TaskView
from tools.tool import NamedCode


def seed_inputs(
    folder: Path,
    subject: Subject,
    seed: int,
    *,
    asks: bool = True,
    drawn: Sequence[NamedCode] = (),
) -> Path:
    """Write `inputs/<digest of the items>/<task>.json` below the run's folder, once.

    asks: with the test prompts, for trials that answer in their own job. drawn: the tasks of the
    call that were brought as code, with their training sequences.
    """
    key = digest_of_items(subject.data_digest(seed), drawn)[:12]
    place = folder / "inputs" / (key + ("" if asks else "-dev"))
    if place.is_dir():
        return place
    draft = place.with_name(f".{place.name}.{os.getpid()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    items = subject.items(seed)
    for card in given_cards(subject, drawn):
        view = asdict(TaskView.of(card, items[card.name]))
        view |= {} if asks else {"test": ()}
        if card.drawn is not None and isinstance(subject, ShowsTraining):
            view["train"] = [asdict(item) for item in subject.training(card.name, seed)]
        text = json.dumps(view, ensure_ascii=False)
        (draft / f"{card.name}.json").write_text(text, encoding="utf-8")
    draft.rename(place)
    return place


def given_cards(subject: Subject, drawn: Sequence[NamedCode]) -> list[TaskCard]:
    """The tasks of the product, and of the brought ones those that the call names."""
    names = {named.name for named in drawn}
    return [card for card in subject.cards if card.drawn is None or card.name in names]


def digest_of_items(own: str, drawn: Sequence[NamedCode]) -> str:
    """own: digest of the product's items. That of all items of a call, by what draws the others."""
    return digest_of([own, [list(named) for named in drawn]]) if drawn else own
