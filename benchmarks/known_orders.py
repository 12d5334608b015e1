"""What MQAR and MAD are known to show: the arms, the published scores, and the tables of ours.

Sources of the orders: zoology (arXiv:2312.04927) and facts measured for this project; MAD
(arXiv:2403.17844), where DeltaNet's scores are those of arXiv:2406.06484.
"""

from __future__ import annotations

from statistics import mean

import numpy as np

from tools.architectures.architecture import Architecture, Choice, Layer

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


def mqar_arms(embedding_std: float) -> dict[str, Architecture]:
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
    return {
        name: Architecture(width=32, layers=tuple(found), embedding_std=embedding_std)
        for name, found in layers.items()
    }


def mad_arms(width: int, embedding_std: float) -> dict[str, Architecture]:
    """[mixer, SwiGLU] x 2, as in MAD. Short convolutions are those of the mixers' papers: of three
    positions in Hyena, of four within DeltaNet and SSD, none in attention and GLA. mad-lab starts
    embeddings at 0.02 and trains 20,000 steps; a training of some 1,500 needs a wider start.
    """
    short = {"long_convolution": 3}
    return {
        name: Architecture(
            width=width,
            embedding_std=embedding_std,
            layers=(
                Layer(
                    mixer=Choice(block=name),
                    channel=Choice(block="glu"),
                    convolution=short.get(name, 0),
                ),
            )
            * 2,
        )
        for name in PUBLISHED
    }


def chosen(rows: list[dict]) -> dict[tuple[str, str, int], dict]:
    """(task, arm, seed) -> the training whose rate was best on dev."""
    best: dict[tuple[str, str, int], dict] = {}
    for row in rows:
        place = (row["task"], row["arm"], row["seed"])
        if place not in best or row["dev"] > best[place]["dev"]:
            best[place] = row
    return best


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
        lines.append(f"- {better} against {worse}: {mean(apart):+.3f} over seeds {seeds}, {holds}")
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
        others = [100 * cell[other, task] for other in arms if other != arm]
        values = f"{100 * cell[arm, task]:.2f}, others {min(others):.2f} to {max(others):.2f}"
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
