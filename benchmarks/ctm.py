"""The continuous thought machine on digits and on 8-bit parity, beside what it is held against.

python -P benchmarks/ctm.py         three seeds; prints as it goes, writes benchmarks/results/ctm.md
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.architectures.certainty import asked_every_tick_loss, asked_tick_loss  # noqa: E402
from tools.architectures.ctm import ContinuousThought, Ticks, answer  # noqa: E402
from tools.architectures.recurrent_readout import matched_rival  # noqa: E402
from tools.architectures.train import Course, Loss, train  # noqa: E402
from tools.tasks.sequence import Batch, Part, Size, find_sequence_task  # noqa: E402

SEEDS = (0, 1, 2)
PARTS: tuple[Part, ...] = ("train", "dev", "test")
BARS = {"digits": 0.97, "parity": 0.95}
MOST_SECONDS = 300
PROFILES = {"digits": "default", "parity": "quick"}
SPECS = {
    "digits": Ticks(ticks=6, heads=16, front="convolution", spread=1.0, dropout=0.2),
    "parity": Ticks(memory=8, hidden=8, heads=4, spread=0.1),
}
WHOLE = 256
"""More than there are strings: every step sees them all. Smaller batches leave seeds at chance."""
STAGES: dict[str, dict[str, tuple[Course, Loss]]] = {
    "digits": {"tick loss": (Course(rate=3e-3, steps=1000, weight_decay=0.3), asked_tick_loss)},
    "parity": {
        "every tick": (
            Course(rate=3e-3, steps=400, batch=WHOLE, weight_decay=0.01),
            asked_every_tick_loss,
        ),
        "tick loss": (
            Course(rate=1e-3, steps=150, batch=WHOLE, weight_decay=0.01),
            asked_tick_loss,
        ),
    },
}


def machine(spec: Ticks, size: Size) -> nn.Module:
    """The machine itself."""
    return ContinuousThought(spec, size.vocabulary, size.length, size.classes)


def state_readout(spec: Ticks, size: Size) -> nn.Module:
    """The machine, answering from its neurons' activations (as many as it has pairs)."""
    return machine(spec.model_copy(update={"readout": "state"}), size)


def plainly_placed(spec: Ticks, size: Size) -> nn.Module:
    """The machine with positions of the tokens' own scale."""
    return machine(spec.model_copy(update={"spread": 1.0}), size)


def lstm(spec: Ticks, size: Size) -> nn.Module:
    """An LSTM of as many parameters over the same attention."""
    return matched_rival("lstm", spec, size.vocabulary, size.length, size.classes)


def mlp(spec: Ticks, size: Size) -> nn.Module:
    """One hidden layer of as many parameters over the same embedding."""
    return matched_rival("mlp", spec, size.vocabulary, size.length, size.classes)


ARMS: dict[str, dict[str, Callable[[Ticks, Size], nn.Module]]] = {
    "digits": {"ctm": machine, "ctm, state readout": state_readout, "lstm": lstm, "mlp": mlp},
    "parity": {
        "ctm": machine,
        "ctm, state readout": state_readout,
        "ctm, positions at scale 1": plainly_placed,
        "lstm": lstm,
        "mlp": mlp,
    },
}


@dataclass(frozen=True)
class Score:
    """One training: right of asked on each split's distinct sequences, and what it cost."""

    parameters: int
    train: float
    dev: float
    right: int
    items: int
    cpu_s: float


def scored(task: str, arm: str, seed: int) -> Score:
    """Train one arm and let it answer. cpu_s: training and answering, data left out."""
    found = find_sequence_task(task)
    size = found.sizes[PROFILES[task]]  # type: ignore[index]
    data = {part: distinct(found.data(part, seed, size)) for part in PARTS}
    begun = time.process_time()
    torch.manual_seed(seed)
    model = ARMS[task][arm](SPECS[task], size)
    for course, loss in STAGES[task].values():
        train(model, data["train"], course, seed, loss)
    marks = {}
    for part, batch in data.items():
        with torch.no_grad():
            said = answer(*model(torch.from_numpy(batch.tokens))).numpy()
        marks[part] = said == batch.targets[:, -1]
    seconds = time.process_time() - begun
    return Score(
        sum(p.numel() for p in model.parameters()),
        float(marks["train"].mean()),
        float(marks["dev"].mean()),
        int(marks["test"].sum()),
        len(marks["test"]),
        seconds,
    )


def distinct(batch: Batch) -> Batch:
    """Each sequence once."""
    tokens, rows = np.unique(batch.tokens, axis=0, return_index=True)
    return Batch(tokens, batch.targets[rows])


def main() -> None:
    """Measure, print, keep."""
    torch.set_num_threads(1)
    lines = [
        "# The continuous thought machine, measured",
        "",
        f"`python -P benchmarks/ctm.py`, seeds {', '.join(map(str, SEEDS))}, one thread, "
        f"torch {torch.__version__}, {platform.machine()}. Accuracy counts distinct sequences "
        "only, and training sees each once a pass; CPU-seconds hold training and answering. The "
        "other arms have as many parameters and the machine's own settings, not tuned for them.",
        "",
        "The settings were chosen on dev and training sequences, after first trials on other "
        "splits of the digits and of the strings. Two settings of these same seeds were run on the "
        "test before: "
        "digits with 500 steps, in two orders, 0.971, 0.983, 0.986 and 0.963, 0.991, 0.989; "
        "parity with batches of 64 and one head, "
        "1.000, 0.677 and 0.484 on the tick loss alone, 0.484, 1.000 and 1.000 with 400 steps on "
        "every tick before it. Parity does not depend on the order of the bits and attention "
        "averages: counting is enough, and nothing here shows bits read one after the other.",
    ]
    for task, arms in ARMS.items():
        scores = {arm: [_shown(task, arm, seed) for seed in SEEDS] for arm in arms}
        lines += ["", *_table(task, scores)]
    file = ROOT / "benchmarks" / "results" / "ctm.md"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _shown(task: str, arm: str, seed: int) -> Score:
    score = scored(task, arm, seed)
    print(task, arm, seed, score, flush=True)
    return score


def _table(task: str, scores: dict[str, list[Score]]) -> list[str]:
    size = find_sequence_task(task).sizes[PROFILES[task]]  # type: ignore[index]
    bar, mine = BARS[task], scores["ctm"]
    reached = all(s.right / s.items >= bar and s.cpu_s <= MOST_SECONDS for s in mine)
    lines = [
        f"## `{task}` ({PROFILES[task]}: {size.length} tokens)",
        "",
        f"Bar: {bar:.0%} within {MOST_SECONDS} CPU-seconds: "
        f"{'reached' if reached else 'not reached'} by every seed.",
        "",
        f"- machine: `{SPECS[task].model_dump(exclude_defaults=True)}` beside the defaults",
        *(f"- training, {name}: `{stage[0]}`" for name, stage in STAGES[task].items()),
        "",
        "| arm | parameters | test, by seed | mean | dev | train | CPU-s, by seed |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm, rows in scores.items():
        tests = ", ".join(f"{s.right}/{s.items} ({s.right / s.items:.3f})" for s in rows)
        means = [
            statistics.mean(values)
            for values in (
                [s.right / s.items for s in rows],
                [s.dev for s in rows],
                [s.train for s in rows],
            )
        ]
        spent = ", ".join(f"{s.cpu_s:.1f}" for s in rows)
        shown = " | ".join(f"{mean:.3f}" for mean in means)
        lines.append(f"| {arm} | {rows[0].parameters:,} | {tests} | {shown} | {spent} |")
    return lines


if __name__ == "__main__":
    main()
