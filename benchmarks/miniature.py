"""Measure the miniature: accuracy of every permanent arm, CPU-seconds of each kind of trial.

    python -P benchmarks/miniature.py 0 1 2
    python -P benchmarks/miniature.py --profile long 0 1 2 3 4 5 6 7 8

Writes benchmarks/results/miniature-<profile>-<first seed>-to-<last seed>.md.

The gate, in the mean on `largest` in Korean:
evolution > random search > tuned task arithmetic > every parent.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import mean

from tools.bench import Bench
from tools.merging.miniature import Miniature
from tools.tasks.score import score
from tools.tasks.task import Question, TaskView
from tools.tool import find_tool
from tools.worker import preload

RESULTS = Path(__file__).parent / "results"
PARENTS = ["skill", "language"]
ARMS: dict[str, tuple[str, dict]] = {
    "uniform": ("merge", {"method": "linear", "roles": PARENTS, "base": ""}),
    "sum": ("merge", {"roles": PARENTS}),
    "slerp": ("merge", {"method": "slerp", "roles": PARENTS, "base": ""}),
    "ties .5": ("merge", {"method": "ties", "roles": PARENTS, "parameters": {"density": 0.5}}),
    "dare .5": ("merge", {"method": "dare_ties", "roles": PARENTS, "parameters": {"density": 0.5}}),
    "swap 1": ("merge", {"roles": PARENTS, "swap": {"role": "language", "layers": 1}}),
    "grid 49": ("search", {"strategy": "grid", "roles": PARENTS, "evaluations": 49}),
    "grid": ("search", {"strategy": "grid", "roles": PARENTS}),
    "random": ("search", {"strategy": "random", "roles": PARENTS}),
    "evolve": ("search", {"strategy": "evolve", "roles": PARENTS}),
    "evolve, keep": ("search", {"strategy": "evolve", "roles": PARENTS, "keep": Miniature.kept}),
    "finetune": ("finetune", {"role": "skill"}),
}


def seed_row(
    subject: Miniature, seed: int, root: Path, spent: dict[str, list[float]]
) -> dict[str, dict[str, float]]:
    """Arm -> task -> accuracy on the held-out items of one seed."""
    items = subject.items(seed)
    tasks = {
        card.name: TaskView(
            card.name,
            card.kind,
            items[card.name]["dev"],
            tuple(Question(item.prompt) for item in items[card.name]["test"]),
        )
        for card in subject.cards
    }
    models: dict[str, Path] = {}

    def call(arm: str, tool: str, arguments: dict) -> dict[str, float]:
        started = time.process_time()
        action = find_tool(tool)
        bench = Bench(seed, models, tasks, root / arm)
        found = action.function(action.check(arguments), bench)
        spent[arm].append(time.process_time() - started)
        return {
            task: (lambda right, count: right / count)(*score(splits["test"], items[task]["test"]))
            for task, splits in found.predictions.items()
        }

    row = {}
    for role in subject.roles[:4]:
        row[role.name] = call(role.name, "train", dict(role.train))
        models[role.name] = root / role.name / "model"
    for arm, (tool, arguments) in ARMS.items():
        more = {} if tool == "merge" else {"task": subject.primary}
        row[arm] = call(arm, tool, arguments | more)
    return row


def table(title: str, rows: dict[int, dict[str, dict[str, float]]], task: str) -> str:
    arms = list(next(iter(rows.values())))
    lines = [
        f"## {title}",
        "",
        "| seed | " + " | ".join(arms) + " |",
        "|---" * (len(arms) + 1) + "|",
    ]
    for seed, row in rows.items():
        lines.append(f"| {seed} | " + " | ".join(f"{row[arm][task]:.3f}" for arm in arms) + " |")
    means = (mean(row[arm][task] for row in rows.values()) for arm in arms)
    return "\n".join([*lines, "| mean | " + " | ".join(f"{m:.3f}" for m in means) + " |", ""])


def main(profile: str, seeds: list[int]) -> None:
    import torch

    preload()
    subject = Miniature(profile)
    rows, spent = {}, defaultdict[str, list[float]](list)
    for seed in seeds:
        with tempfile.TemporaryDirectory() as root:
            rows[seed] = seed_row(subject, seed, Path(root), spent)
        print(seed, {arm: round(found[Miniature.primary], 3) for arm, found in rows[seed].items()})
    costs = "\n".join(f"| {arm} | {mean(values):.1f} |" for arm, values in spent.items())
    call = f"python -P benchmarks/miniature.py --profile {profile} {' '.join(map(str, seeds))}"
    text = [
        f"# The miniature, {profile} profile, measured\n",
        f"`{call}`, one thread, "
        f"torch {torch.__version__}, {platform.machine()}. Searches: 300 evaluations (grid 289).\n",
        table("Accuracy on `largest` in Korean (2,000 held-out items)", rows, "largest.ko"),
        table("Kept: `largest` in English (2,000)", rows, "largest.en"),
        table("Kept: `copy` in Korean (500)", rows, "copy.ko"),
        "## CPU-seconds of a trial, answering included\n",
        f"| trial | s |\n|---|---|\n{costs}\n",
    ]
    name = f"miniature-{profile}-{min(seeds)}-to-{max(seeds)}.md"
    (RESULTS / name).write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--profile", default="standard")
    asked.add_argument("seeds", type=int, nargs="*", default=[0, 1, 2])
    given = asked.parse_args()
    main(given.profile, given.seeds)
