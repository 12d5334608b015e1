"""What the trainer costs above a bare loop, and how much of the cores a run's trials use.

    python -P benchmarks/trainer.py overhead       writes results/trainer.md
    python -P benchmarks/trainer.py cores RUN...   of runs with two workers, on two cores

Overhead: processor seconds of `train` over those of a loop that does nothing but forward, backward,
clip and step on batches cut beforehand, in turns within one process, so that what else the machine
does hits both. Cores: processor seconds of the trials over twice the wall time from the first
trial's start to the last one's end, as the run's ledger has them.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from tools.architectures.architecture import Architecture, Choice, Layer  # noqa: E402
from tools.architectures.batches import Batches  # noqa: E402
from tools.architectures.exam import Exam  # noqa: E402
from tools.architectures.new_backbone import drawn  # noqa: E402
from tools.architectures.objective import find_objective  # noqa: E402
from tools.architectures.optimizers import new_optimizers  # noqa: E402
from tools.architectures.train import Course, asked_cross_entropy, train  # noqa: E402
from tools.tasks.sequence import find_sequence_task  # noqa: E402

REPORT = ROOT / "benchmarks" / "results" / "trainer.md"
MIXERS = ("linear_attention", "softmax_attention", "state_space_dual", "delta_net")
STEPS, BATCH, PAIRS = 200, 32, 11


def timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def bare(model: nn.Module, batches: list[tuple[Tensor, Tensor]], course: Course) -> None:
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizers = new_optimizers(course.optimizer, model, course.rate, course.weight_decay)
    for tokens, targets in batches:
        asked_cross_entropy(model, tokens, targets, torch.Generator()).backward()
        nn.utils.clip_grad_norm_(learned, course.clip, foreach=True)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()


def ratios(mixer: str) -> list[float]:
    """Trainer over bare loop, one a pair; which comes first alternates."""
    task = find_sequence_task("mqar")
    size = task.sizes["quick"]
    data = task.data("train", 0, size)
    aim = find_objective("next_token").make({})
    layers = (Layer(mixer=Choice(block=mixer), convolution=4),) * 2
    exam, wanted = Exam.of(task, size, data), Architecture(width=32, layers=layers)
    fresh = drawn(lambda: exam.candidate(aim, wanted), 0)
    course = Course(rate=5e-3, steps=STEPS, batch=BATCH)
    cut = Batches(data, BATCH, 0, torch.device("cpu"))
    batches = [cut.of(step) for step in range(STEPS)]
    found = []
    for pair in range(PAIRS + 1):
        ours, plain = copy.deepcopy(fresh), copy.deepcopy(fresh)
        sides = [lambda m=ours: train(m, data, course, 0), lambda m=plain: bare(m, batches, course)]
        order = (0, 1) if pair % 2 else (1, 0)
        spent = {side: timed(sides[side]) for side in order}
        found.append(spent[0] / spent[1])
    return found[1:]


def overhead() -> None:
    torch.set_num_threads(1)
    lines = [
        "# The trainer, measured\n",
        f"`python -P benchmarks/trainer.py overhead`: {STEPS} steps of {BATCH} sequences of "
        f"multi-query recall (quick, width 32, two layers), {PAIRS} pairs, one thread, "
        f"torch {torch.__version__}.\n",
        "| mixer | trainer over bare loop, median | quartiles |",
        "|---|---|---|",
    ]
    for mixer in MIXERS:
        found = ratios(mixer)
        low, _, high = quantiles(found, n=4)
        lines.append(f"| {mixer} | {median(found):.3f} | {low:.3f} to {high:.3f} |")
        print(lines[-1], flush=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def cores(runs: list[Path]) -> None:
    for run in runs:
        rows = map(json.loads, (run / "ledger.jsonl").read_text(encoding="utf-8").splitlines())
        trials = [row for row in rows if row["kind"] == "trial" and not row["cached"]]
        ends = [datetime.fromisoformat(t["at"]).timestamp() for t in trials]
        wall = max(ends) - min(end - t["wall_s"] for end, t in zip(ends, trials, strict=True))
        cpu = sum(t["cpu_s"] for t in trials)
        share = cpu / wall / 2
        print(f"{share:.3f} of two cores: {len(trials)} trials, {cpu:.0f} CPU-s in {wall:.0f} s")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("what", choices=("overhead", "cores"))
    given.add_argument("runs", nargs="*", type=Path)
    asked = given.parse_args()
    overhead() if asked.what == "overhead" else cores(asked.runs)
