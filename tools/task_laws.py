"""What every task that was brought must obey, tried outside on what it drew in sandboxes.

The rows come from fresh jobs, so the file cannot speak for itself: nothing that it says of the laws
is read.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tools.draws import SHARES, Draw, Table
from tools.law_check import LawCheck
from tools.laws import HOLDS, LAWS, NOT_REACHED
from tools.own_code import OwnCode
from tools.tasks.own_task import OwnTask
from tools.tasks.sequence import NOT_ASKED, Batch
from tools.tasks.sequence_score import count_right
from tools.workshop import Executor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED, OTHER = 0, 1
COUNT = 2048
"""Sequences of a draw."""
TOLERANCE = 0.02
"""Of the stated chance, beside two standard errors."""
LEAST_DIFFERENT = 0.9
"""Of the drawn sequences, those that stand there once: others could be learned by heart."""
MOST_CHANCE = 0.9


def tried(own: OwnCode, executor: Executor, folder: Path, stop: threading.Event) -> LawCheck:
    """Try the laws on what fresh sandboxes drew; how often is not the file's to say.

    Raises CheckStopped.
    """
    assert isinstance(own, OwnTask)
    made = drawn(own, Table(executor, folder, stop))
    endings, last = [draw.ending for draw in made], made[-1]
    bad = next((draw for draw in made if draw.batch is None), None)
    failed = bad is not None and bad.ending.verdict != "ok"
    return LawCheck(
        own,
        bad.failure if bad is not None and failed else "",
        sum(ending.cpu_s for ending in endings),
        sum(ending.wall_s for ending in endings),
        last.ending.isolation,
        {} if failed else not_drawn(bad.failure) if bad is not None else findings(own, made),
        (bad or last).said,
    )


def drawn(own: OwnTask, table: Table) -> tuple[Draw, ...]:
    """Two draws with one number and one with another. Raises CheckStopped."""
    first = table.draw(own, SEED, COUNT)
    if first.batch is None:
        return (first,)
    return (first, table.draw(own, SEED, COUNT, attempt=2), table.draw(own, OTHER, COUNT))


def findings(own: OwnTask, draws: tuple[Draw, ...]) -> dict[str, str]:
    """Law -> `holds` or what is broken, of draws that all left rows."""
    first, again, other = (draw.batch for draw in draws)
    assert first is not None
    assert again is not None
    assert other is not None
    broken = {
        "repeat": _repeat(first, again, other),
        "splits": _splits(first),
        "answers": _answers(own, first),
        "chance": _chance(own, first, other),
    }
    found = {law: HOLDS for law in LAWS["task"]}
    return found | {law: "; ".join(what) or HOLDS for law, what in broken.items()}


def not_drawn(failure: str) -> dict[str, str]:
    """Of a file that left no rows which are what it declares."""
    return {law: NOT_REACHED for law in LAWS["task"]} | {"draws": failure}


def _repeat(first: Batch, again: Batch, other: Batch) -> list[str]:
    found = []
    if not _same(first, again):
        found.append("the same number draws other sequences in another process")
    if _same(first, other):
        found.append("another number draws the same sequences")
    return found


def _splits(first: Batch) -> list[str]:
    """Whether there is enough for every split, and enough that differs."""
    import numpy as np

    from tools.tasks.splitting import belongs

    found = []
    different = len(np.unique(first.tokens, axis=0)) / len(first)
    if different < LEAST_DIFFERENT:
        found.append(f"only {different:.0%} of the sequences differ")
    for part, share in SHARES.items():
        mine = float(belongs(first.tokens, part).mean())  # type: ignore[arg-type]
        if mine < share / 1.25:
            found.append(f"only {mine:.1%} of the sequences are of the {part} split")
    return found


def _answers(own: OwnTask, first: Batch) -> list[str]:
    """Whether a perfect answer scores one, and a sequence has one answer."""
    from tools.tasks.asked import items_of

    items = items_of(first)
    right, asked = count_right([item.answer for item in items], items, own.classes)
    found = [] if right == asked else [f"a perfect answer scores {right} of {asked}"]
    answers: dict[str, set[str]] = {}
    for item in items:
        answers.setdefault(item.prompt, set()).add(item.answer)
    several = sum(len(given) > 1 for given in answers.values())
    return found + ([f"{several} sequences have several answers"] if several else [])


def _chance(own: OwnTask, *batches: Batch) -> list[str]:
    """Whether the best constant answer is right as often as stated."""
    import numpy as np

    said = np.concatenate([batch.targets[batch.targets != NOT_ASKED] for batch in batches])
    share = float(np.bincount(said, minlength=own.classes).max() / len(said))
    room = TOLERANCE + 2 * math.sqrt(share * (1 - share) / len(said))
    found = []
    if abs(share - own.chance) > room:
        found.append(f"stated as {own.chance:g}, the best constant answer is right {share:.3f}")
    if share > MOST_CHANCE:
        found.append(f"a constant answer is right {share:.3f}, which leaves nothing to learn")
    return found


def _same(one: Batch, other: Batch) -> bool:
    import numpy as np

    pairs: Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]] = iter(
        ((one.tokens, other.tokens), (one.targets, other.targets))
    )
    return all(np.array_equal(a, b) for a, b in pairs)
