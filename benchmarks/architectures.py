"""Reproduce known orders with our own blocks: MQAR's mixers, and the signatures of MAD.

    python -P benchmarks/architectures.py mqar            five seeds, three learning rates
    python -P benchmarks/architectures.py mad             six tasks, five mixers, three rates
    python -P benchmarks/architectures.py mad --size paper --seeds 5 --steps 20000 --batch 128 \\
        --width 128 --rates 1e-4 5e-4 1e-3 --embedding-std 0.02                     on one GPU
    python -P benchmarks/architectures.py mad --embedding-std 0.02 --arms softmax_attention
    python -P benchmarks/architectures.py mqar --embedding-std 0.4 --seeds 1
                                                          the same from another start
    python -P benchmarks/architectures.py report          writes results/architectures.md

Every training is one line of results/architectures.jsonl, so an interrupted benchmark goes on,
and two processes may share the work (--part 0/2 and --part 1/2). With --keep FOLDER a training that
was cut off goes on from its last checkpoint too (its processor seconds are then those of the last
part). The rate is chosen on dev items, the table shows the test. What is known of both suites is in
benchmarks/known_orders.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.known_orders import (  # noqa: E402
    MAD,
    mad_arms,
    mad_report,
    mqar_arms,
    mqar_report,
)
from sandbox.records import short_id  # noqa: E402
from tools.architectures.architecture import EMBEDDING_STD, Architecture  # noqa: E402
from tools.architectures.moves import WIDE_START  # noqa: E402

EVERY_S = 60.0
"""Seconds of training between two checkpoints."""
RESULTS = ROOT / "benchmarks" / "results"
ROWS, REPORT = RESULTS / "architectures.jsonl", RESULTS / "architectures.md"


def jobs(asked: argparse.Namespace) -> Iterator[dict]:
    """Every training of a suite, seeds first: what is done early says something about every arm."""
    arms = _arms(asked)
    tasks = ("mqar",) if asked.suite == "mqar" else MAD
    for seed in range(asked.seeds):
        for task in tasks:
            for name, architecture in arms.items():
                for rate in asked.rates:
                    yield {
                        "suite": asked.suite,
                        "task": task,
                        "size": asked.size,
                        "arm": name,
                        "architecture": architecture.id,
                        "seed": seed,
                        "rate": rate,
                        "steps": asked.steps,
                        "batch": asked.batch,
                        "width": architecture.width,
                        "embedding_std": architecture.embedding_std,
                    }


def _arms(asked: argparse.Namespace) -> dict[str, Architecture]:
    """Those of the suite, or of them the ones that are asked for."""
    found = (
        mqar_arms(asked.embedding_std)
        if asked.suite == "mqar"
        else mad_arms(asked.width, asked.embedding_std)
    )
    return {name: found[name] for name in asked.arms or found}


def measure(job: dict, architecture: Architecture, device: str, keep: Path | None) -> dict:
    """One training: dev and test accuracy, processor seconds. keep: folder of its checkpoint."""
    from tools.architectures.exam import Exam
    from tools.architectures.new_backbone import drawn
    from tools.architectures.objective import find_objective
    from tools.architectures.train import Course, train
    from tools.kept import Kept
    from tools.tasks.sequence import find_sequence_task

    task = find_sequence_task(job["task"])
    size = task.sizes[job["size"]]
    data = {part: task.data(part, job["seed"], size) for part in ("train", "dev", "test")}
    exam = Exam.of(task, size, data["train"])
    aim = find_objective("next_token").make({})
    model = drawn(lambda: exam.candidate(aim, architecture), job["seed"]).to(device)
    course = Course(rate=job["rate"], steps=job["steps"], batch=job["batch"])
    kept = Kept(keep / f"{short_id(job)}.safetensors", EVERY_S) if keep is not None else None
    began, clock = time.process_time(), time.monotonic()
    found = train(model, data["train"], course, job["seed"], aim.loss, kept)
    spent = {"cpu_s": time.process_time() - began, "wall_s": time.monotonic() - clock}
    scores = {part: exam.fit(found.model, data[part]).accuracy for part in ("dev", "test")}
    parameters = sum(p.numel() for p in model.parameters())
    rounded = {k: round(v, 4) for k, v in (scores | spent).items()}
    if kept is not None:
        kept.path.unlink(missing_ok=True)
    return job | rounded | {"parameters": parameters, "ended": found.ended, "device": device}


def run(asked: argparse.Namespace) -> None:
    """Do what is not done yet."""
    import torch

    torch.set_num_threads(1)
    arms = _arms(asked)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    mine, of = map(int, asked.part.split("/"))
    for number, job in enumerate(jobs(asked)):
        done = {_key(row) for row in read_rows()}
        if number % of == mine and _key(job) not in done:
            row = measure(job, arms[job["arm"]], device, asked.keep)
            with ROWS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(
                *(row[k] for k in ("task", "arm", "seed", "rate", "dev", "test", "cpu_s")),
                flush=True,
            )


def read_rows() -> list[dict]:
    """Trainings of this and earlier calls."""
    if not ROWS.is_file():
        return []
    return [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]


def _key(row: dict) -> tuple:
    names = ("suite", "task", "size", "architecture", "seed", "rate", "steps", "batch")
    return tuple(row[name] for name in names)


def _kind(row: dict) -> tuple[str, int, float]:
    return row["size"], row["width"], row.get("embedding_std", EMBEDDING_STD)


def report() -> None:
    """Write the tables."""
    rows = read_rows()
    parts = ["# Architectures, measured\n", "`python -P benchmarks/architectures.py report`\n"]
    for suite, write in (("mqar", mqar_report), ("mad", mad_report)):
        kinds = sorted({_kind(row) for row in rows if row["suite"] == suite})
        for size, width, std in kinds:
            mine = [r for r in rows if r["suite"] == suite and _kind(r) == (size, width, std)]
            parts += write(mine, f"{size} size, width {width}, embeddings start at {std:g}")
    REPORT.write_text("\n".join(parts) + "\n", encoding="utf-8")
    print("\n".join(parts))


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("suite", choices=("mqar", "mad", "report"))
    given.add_argument("--size", default="")
    given.add_argument("--seeds", type=int, default=0)
    given.add_argument("--steps", type=int, default=0)
    given.add_argument("--batch", type=int, default=0)
    given.add_argument("--width", type=int, default=32)
    given.add_argument("--embedding-std", type=float, default=0.0)
    given.add_argument("--arms", nargs="+", default=[])
    given.add_argument("--rates", type=float, nargs="+", default=[])
    given.add_argument("--part", default="0/1")
    given.add_argument("--keep", type=Path, default=None)
    asked = given.parse_args()
    small = asked.suite == "mqar"
    asked.size = asked.size or ("quick" if small else "default")
    asked.seeds = asked.seeds or (5 if small else 1)
    asked.embedding_std = asked.embedding_std or (EMBEDDING_STD if small else WIDE_START)
    asked.steps = asked.steps or (1200 if small else 1500)
    asked.batch = asked.batch or (64 if small else 32)
    asked.rates = asked.rates or ([3e-3, 1e-2, 2e-2] if small else [2e-3, 5e-3, 1e-2])
    report() if asked.suite == "report" else run(asked)
