"""Reproduce known orders with our own blocks: MQAR's mixers, and the signatures of MAD.

    python -P benchmarks/architectures.py mqar            five seeds, three learning rates
    python -P benchmarks/architectures.py mad             six tasks, five mixers, three rates
    python -P benchmarks/architectures.py mad --width 32                     off the ceiling
    python -P benchmarks/architectures.py mad --size paper --seeds 5 --steps 20000 --batch 128 \\
        --width 128 --rates 1e-4 5e-4 1e-3                                          on one GPU
    python -P benchmarks/architectures.py report          writes results/architectures.md

Every training is one line of results/architectures.jsonl, so an interrupted benchmark goes on,
and two processes may share the work (--part 0/2 and --part 1/2). The rate is chosen on dev items,
the table shows the test. Sources of the orders: zoology (arXiv:2312.04927) and facts measured for
this project; MAD (arXiv:2403.17844), where DeltaNet's scores are those of arXiv:2406.06484.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.architectures.architecture import Architecture, Choice, Layer  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
ROWS, REPORT = RESULTS / "architectures.jsonl", RESULTS / "architectures.md"
MAD = (
    "in_context_recall",
    "fuzzy_recall",
    "noisy_recall",
    "selective_copy",
    "compression",
    "memorization",
)
PUBLISHED = {
    "softmax_attention": 74.5,
    "delta_net": 71.8,
    "state_space_dual": 69.3,
    "long_convolution": 66.0,
    "gated_linear_attention": 60.0,
}
"""Averages over the suite; state_space_dual has Mamba's, long_convolution Hyena's."""
MQAR = ("attention + conv", "hybrid", "SSD", "linear + conv", "linear")
GATE = (
    ("attention + conv", "SSD", -0.02),
    ("hybrid", "SSD", -0.02),
    ("SSD", "linear + conv", 0.0),
    ("linear + conv", "linear", 0.0),
)
"""(better, worse, least mean difference): the first two may be equal but for two points."""


def mqar_arms() -> dict[str, Architecture]:
    """Two layers without channel mixers, width 32, as the known order was measured."""
    attention = Choice(block="softmax_attention", parameters={"heads": 2})
    ssd, linear = (Choice(block=name) for name in ("state_space_dual", "linear_attention"))
    layers = {
        "attention + conv": [Layer(mixer=attention, convolution=3)] * 2,
        "hybrid": [Layer(mixer=ssd), Layer(mixer=attention)],
        "SSD": [Layer(mixer=ssd)] * 2,
        "linear + conv": [Layer(mixer=linear, convolution=3)] * 2,
        "linear": [Layer(mixer=linear)] * 2,
    }
    return {name: Architecture(width=32, layers=tuple(found)) for name, found in layers.items()}


def mad_arms(width: int) -> dict[str, Architecture]:
    """[mixer, SwiGLU] x 2, as in MAD; mixers have the short convolution that their papers give."""
    short = {"softmax_attention": 0, "long_convolution": 3}
    return {
        name: Architecture(
            width=width,
            layers=(
                Layer(
                    mixer=Choice(block=name),
                    channel=Choice(block="glu"),
                    convolution=short.get(name, 4),
                ),
            )
            * 2,
        )
        for name in PUBLISHED
    }


def jobs(asked: argparse.Namespace) -> Iterator[dict]:
    """Every training of a suite, seeds first: what is done early says something about every arm."""
    arms = mqar_arms() if asked.suite == "mqar" else mad_arms(asked.width)
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
                    }


def measure(job: dict, architecture: Architecture, device: str) -> dict:
    """One training: dev and test accuracy, processor seconds."""
    from tools.architectures.exam import Exam
    from tools.architectures.new_backbone import drawn
    from tools.architectures.objective import find_objective
    from tools.architectures.train import Course, train
    from tools.tasks.sequence import find_sequence_task

    task = find_sequence_task(job["task"])
    size = task.sizes[job["size"]]
    data = {part: task.data(part, job["seed"], size) for part in ("train", "dev", "test")}
    exam = Exam.of(task, size, data["train"])
    aim = find_objective("next_token").make({})
    model = drawn(lambda: exam.candidate(aim, architecture), job["seed"]).to(device)
    course = Course(rate=job["rate"], steps=job["steps"], batch=job["batch"])
    began, clock = time.process_time(), time.monotonic()
    found = train(model, data["train"], course, job["seed"], aim.loss)
    spent = {"cpu_s": time.process_time() - began, "wall_s": time.monotonic() - clock}
    scores = {part: exam.fit(found.model, data[part]).accuracy for part in ("dev", "test")}
    parameters = sum(p.numel() for p in model.parameters())
    rounded = {k: round(v, 4) for k, v in (scores | spent).items()}
    return job | rounded | {"parameters": parameters, "ended": found.ended, "device": device}


def run(asked: argparse.Namespace) -> None:
    """Do what is not done yet."""
    import torch

    torch.set_num_threads(1)
    arms = mqar_arms() if asked.suite == "mqar" else mad_arms(asked.width)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    mine, of = map(int, asked.part.split("/"))
    for number, job in enumerate(jobs(asked)):
        done = {_key(row) for row in read_rows()}
        if number % of == mine and _key(job) not in done:
            row = measure(job, arms[job["arm"]], device)
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


def chosen(rows: list[dict]) -> dict[tuple[str, str, int], dict]:
    """(task, arm, seed) -> the training whose rate was best on dev."""
    best: dict[tuple[str, str, int], dict] = {}
    for row in rows:
        place = (row["task"], row["arm"], row["seed"])
        if place not in best or row["dev"] > best[place]["dev"]:
            best[place] = row
    return best


def report() -> None:
    """Write the tables."""
    rows = read_rows()
    parts = ["# Architectures, measured\n", "`python -P benchmarks/architectures.py report`\n"]
    for suite, write in (("mqar", mqar_report), ("mad", mad_report)):
        kinds = {(row["size"], row["width"]) for row in rows if row["suite"] == suite}
        for size, width in sorted(kinds):
            wanted = (suite, size, width)
            mine = [r for r in rows if (r["suite"], r["size"], r["width"]) == wanted]
            parts += write(mine, f"{size} size, width {width}")
    REPORT.write_text("\n".join(parts) + "\n", encoding="utf-8")
    print("\n".join(parts))


def mqar_report(rows: list[dict], size: str) -> list[str]:
    best = chosen(rows)
    seeds = sorted({seed for _, _, seed in best})
    lines = [f"## MQAR, {size}: test accuracy, rate chosen on dev\n", _spent(rows)]
    lines += ["| arm | parameters | " + " | ".join(f"seed {s}" for s in seeds) + " | mean |"]
    lines += ["|---" * (len(seeds) + 3) + "|"]
    value = {(arm, seed): row["test"] for (_, arm, seed), row in best.items()}
    for arm in MQAR:
        found = [value.get((arm, seed), float("nan")) for seed in seeds]
        size_of = next(row["parameters"] for row in rows if row["arm"] == arm)
        cells = " | ".join(f"{v:.3f}" for v in found)
        lines.append(f"| {arm} | {size_of:,} | {cells} | {np.nanmean(found):.3f} |")
    lines.append("")
    for better, worse, least in GATE:
        apart = [
            value[better, s] - value[worse, s]
            for s in seeds
            if (better, s) in value and (worse, s) in value
        ]
        holds = "holds" if mean(apart) >= least and len(apart) == len(seeds) else "FAILS"
        lines.append(
            f"- {better} against {worse}: {mean(apart):+.3f} over {len(apart)} seeds, {holds}"
        )
    return [*lines, ""]


def mad_report(rows: list[dict], size: str) -> list[str]:
    best = chosen(rows)
    seeds = sorted({seed for _, _, seed in best})
    lines = [f"## MAD, {size}: test accuracy, rate chosen on dev, mean over seeds {seeds}\n"]
    lines += [_spent(rows), "| mixer | " + " | ".join(MAD) + " | mean | published mean |"]
    lines += ["|---" * (len(MAD) + 3) + "|"]
    cell = {
        (arm, task): mean(row["test"] for (t, a, _), row in best.items() if (t, a) == (task, arm))
        for task, arm in {(t, a) for t, a, _ in best}
    }
    arms = [arm for arm in PUBLISHED if all((arm, task) in cell for task in MAD)]
    means = {arm: mean(cell[arm, task] for task in MAD) for arm in arms}
    for arm in arms:
        cells = " | ".join(f"{100 * cell[arm, task]:.1f}" for task in MAD)
        lines.append(f"| {arm} | {cells} | {100 * means[arm]:.1f} | {PUBLISHED[arm]} |")
    if len(arms) > 2:
        lines += ["", *_signatures(cell, arms), _tau(best, arms, seeds)]
    return [*lines, ""]


def _signatures(cell: dict, arms: list[str]) -> list[str]:
    def rank(task: str, arm: str) -> int:
        return 1 + sum(cell[other, task] > cell[arm, task] for other in arms)

    def line(text: str, task: str, arm: str, holds: bool) -> str:
        best = max(cell[other, task] for other in arms)
        values = f"{100 * cell[arm, task]:.1f}, the best {100 * best:.1f}"
        return f"- {text}: {'holds' if holds else 'does not hold'} ({values})"

    recall, fuzzy, facts, copy = "in_context_recall", "fuzzy_recall", "memorization", MAD[3]
    delta, attention = "delta_net", "softmax_attention"
    return [
        line("DeltaNet is best on in-context recall", recall, delta, rank(recall, delta) == 1),
        line("DeltaNet is best on fuzzy recall", fuzzy, delta, rank(fuzzy, delta) == 1),
        line("DeltaNet is worst on memorization", facts, delta, rank(facts, delta) == len(arms)),
        line("attention is first or second on copy", copy, attention, rank(copy, attention) < 3),
    ]


def _tau(best: dict, arms: list[str], seeds: list[int]) -> str:
    """Kendall's tau with the published order, and its interval over resampled tasks (and seeds)."""
    from scipy.stats import kendalltau

    known = [PUBLISHED[arm] for arm in arms]
    table = np.array(
        [[[best[task, arm, s]["test"] for s in seeds] for task in MAD] for arm in arms]
    )
    tau = kendalltau(known, table.mean((1, 2))).statistic
    draw = np.random.default_rng(0)
    found = []
    for _ in range(2000):
        tasks = draw.integers(len(MAD), size=len(MAD))
        again = draw.integers(len(seeds), size=len(seeds))
        found.append(kendalltau(known, table[:, tasks][:, :, again].mean((1, 2))).statistic)
    low, high = np.nanpercentile(found, (2.5, 97.5))
    return (
        f"- Kendall's tau with the published order: {tau:.2f} [{low:.2f}, {high:.2f}] "
        "(95%, tasks and seeds resampled)"
    )


def _spent(rows: list[dict]) -> str:
    minutes = sum(row["cpu_s"] for row in rows) / 60
    steps = sorted({row["steps"] for row in rows})
    rates = sorted({row["rate"] for row in rows})
    devices = ", ".join(sorted({row["device"] for row in rows}))
    spent = f"{len(rows)} trainings, {minutes:.0f} CPU-minutes ({devices})"
    return f"{spent}, steps {steps}, rates {rates}.\n"


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("suite", choices=("mqar", "mad", "report"))
    given.add_argument("--size", default="")
    given.add_argument("--seeds", type=int, default=0)
    given.add_argument("--steps", type=int, default=0)
    given.add_argument("--batch", type=int, default=0)
    given.add_argument("--width", type=int, default=64)
    given.add_argument("--rates", type=float, nargs="+", default=[])
    given.add_argument("--part", default="0/1")
    asked = given.parse_args()
    small = asked.suite == "mqar"
    asked.size = asked.size or "quick"
    asked.seeds = asked.seeds or (5 if small else 1)
    asked.steps = asked.steps or (1200 if small else 1500)
    asked.batch = asked.batch or (64 if small else 32)
    asked.rates = asked.rates or ([3e-3, 1e-2, 2e-2] if small else [2e-3, 5e-3, 1e-2])
    report() if asked.suite == "report" else run(asked)
