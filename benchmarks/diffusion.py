"""Autoregression against masked and block diffusion on one text: quality, speed, the guard.

python benchmarks/diffusion.py [--seconds 45]     writes benchmarks/results/diffusion.md

One thread, about five CPU-minutes. The text is the Python documentation that every Python ships
(`pydoc_data.topics`); its hash is in the result, since it differs between versions.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import torch
from numpy.typing import NDArray

from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.decode import Sampling
from tools.architectures.ngram_judge import NGramJudge
from tools.architectures.objective import Aim, find_objective
from tools.architectures.speed import Contender, Pace, Timing, cut, measure
from tools.architectures.speed_claim import Quality, quality, speed_claim
from tools.architectures.train import Course, train
from tools.tasks.sequence import Batch

RESULT = Path(__file__).resolve().parent / "results" / "diffusion.md"
LENGTH, PROMPT, WRITTEN, BLOCK, SEED = 128, 32, 64, 8, 0
BATCHES, QUALITY_ROWS = (1, 4, 16), 32
BITS_ROWS = 48
AUTOREGRESSION = "autoregressive"


@dataclass(frozen=True)
class Text:
    """The text as tokens: nine tenths to train on, the rest unseen."""

    train: NDArray[np.int64]
    unseen: NDArray[np.int64]
    vocabulary: int
    digest: str


@dataclass(frozen=True)
class Learned:
    """A trained model and what its unseen text costs."""

    aim: Aim
    model: torch.nn.Module
    bits: float
    steps: int
    seconds: float
    parameters: int


def text_of_python() -> Text:
    """All topics in order of their names."""
    whole = "\n\n".join(topics[name] for name in sorted(topics))
    known = {letter: number for number, letter in enumerate(sorted(set(whole)))}
    tokens = np.array([known[letter] for letter in whole], dtype=np.int64)
    seam = len(tokens) * 9 // 10
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return Text(tokens[:seam], tokens[seam:], len(known), digest)


def windows(text: NDArray[np.int64], stride: int) -> Batch:
    """Windows of LENGTH tokens with their next tokens."""
    starts = np.arange(0, len(text) - LENGTH - 1, stride)
    whole = text[starts[:, None] + np.arange(LENGTH + 1)]
    return Batch(whole[:, :-1], whole[:, 1:])


def architecture() -> Architecture:
    """About 200k parameters. Attention in blocks of one is causal and reads prompts at once."""
    mixer = Choice(block="block_attention", parameters={"heads": 4})
    layer = Layer(mixer=mixer, channel=Choice(block="glu"))
    return Architecture(width=96, layers=(layer, layer))


def learn(name: str, given: dict[str, int], text: Text, seconds: float) -> Learned:
    """Train under one objective and measure its bits on unseen text."""
    torch.manual_seed(SEED)
    aim = find_objective(name).make(given)
    model = aim.model(architecture(), text.vocabulary)
    course = Course(rate=3e-3, seconds=seconds, batch=16)
    trained = train(model, windows(text.train, LENGTH // 2), course, SEED, loss=aim.loss)
    assert trained.ended == "budget", trained.ended
    held = windows(text.unseen, LENGTH)
    rows = np.linspace(0, len(held) - 1, BITS_ROWS).astype(int)
    tokens, targets = (torch.from_numpy(a[rows]) for a in (held.tokens, held.targets))
    with torch.no_grad():
        bits = float(aim.bits(model, tokens, targets, torch.Generator().manual_seed(SEED)))
    count = sum(p.numel() for p in model.parameters())
    return Learned(aim, model, bits, trained.steps, trained.seconds, count)


def contenders(learned: dict[str, Learned]) -> list[Contender]:
    """Every way of writing that is compared."""
    made = [_contender(AUTOREGRESSION, learned, Sampling())]
    for name in ("masked", "block"):
        for per_pass in (1, 2, 4, 8):
            made.append(_contender(name, learned, Sampling(1.0, per_pass, "confidence")))
        for per_pass in (1, 4):
            made.append(_contender(name, learned, Sampling(1.0, per_pass, "random")))
    return made


def _contender(name: str, learned: dict[str, Learned], how: Sampling) -> Contender:
    order = "" if name == AUTOREGRESSION else f", {how.order}, {how.per_pass} a pass"
    return Contender(name + order, learned[name].aim, learned[name].model, how)


@torch.no_grad()
def written(contender: Contender, text: Text, judge: NGramJudge) -> Quality:
    """Text after prompts from the unseen part, judged."""
    prompt = cut(torch.from_numpy(text.unseen), QUALITY_ROWS, PROMPT)
    reading = contender.aim.read(contender.model, prompt)
    draw = torch.Generator().manual_seed(SEED + 1)
    made = contender.aim.write(contender.model, reading, WRITTEN, draw, contender.how)
    return quality(made.tokens.numpy(), PROMPT, text.unseen, judge)


def page(
    text: Text,
    learned: dict[str, Learned],
    paces: dict[str, list[Pace]],
    judged: dict[str, Quality],
) -> str:
    """The result as Markdown."""
    real = judged[AUTOREGRESSION].real_bits
    lines = [
        "# Autoregression, masked diffusion, block diffusion",
        "",
        f"`pydoc_data.topics` of Python {platform.python_version()}, sha256 `{text.digest[:16]}`, "
        f"{len(text.train) + len(text.unseen):,} characters, {text.vocabulary} different; the last "
        f"tenth is unseen. torch {torch.__version__}, one thread, one seed, one learning rate; "
        "speeds are in CPU time (`time.process_time`). Made by `python benchmarks/diffusion.py`.",
        "",
        "| objective | parameters | steps | CPU s | bits per character, unseen |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, each in learned.items():
        sign = "" if name == AUTOREGRESSION else "≤ "
        lines.append(
            f"| {name} | {each.parameters:,} | {each.steps} | {each.seconds:.0f} "
            f"| {sign}{each.bits:.2f} |"
        )
    lines += [
        "",
        f"Writing {WRITTEN} characters after {PROMPT}, temperature 1. The judge is a 6-gram model "
        f"of the training text, for which real unseen text costs {real:.2f} bits per character. "
        "The guard asks whether the text repeats itself more than real text does. Faster: whether "
        "it may be called faster than autoregression with its cache: at every batch, with a passed "
        "guard, and at most 0.1 bits worse for the judge.",
        "",
        "| writer | passes | characters/s, batch 1 | batch 4 | batch 16 | cache bytes a token "
        "| judge's bits | guard | faster |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    for name, cells in paces.items():
        lines.append(_row(name, cells, paces, judged))
    lines += ["", *_prefills(paces), "", *_guards(judged)]
    return "\n".join(lines) + "\n"


def _row(
    name: str, cells: list[Pace], paces: dict[str, list[Pace]], judged: dict[str, Quality]
) -> str:
    speeds = " | ".join(f"{cell.decode_tokens_per_s:,.0f}" for cell in cells)
    found = judged[name]
    verdict = "baseline"
    if name != AUTOREGRESSION:
        claim = speed_claim(cells, paces[AUTOREGRESSION], found, judged[AUTOREGRESSION])
        ratios = ", ".join(f"{ratio:.2f}" for ratio in claim.ratios.values())
        verdict = f"{'yes' if claim.holds else 'no'} ({ratios}x)"
    guard = "degenerate" if found.problems else "passes"
    return (
        f"| {name} | {cells[0].passes} | {speeds} | {cells[0].cache_bytes_per_token:,.0f} "
        f"| {found.judged_bits:.2f} | {guard} | {verdict} |"
    )


def _prefills(paces: dict[str, list[Pace]]) -> list[str]:
    lines = ["Reading the prompt, characters/s at batch 1, 4, 16:"]
    for name in (AUTOREGRESSION, "block, confidence, 1 a pass"):
        speeds = ", ".join(f"{cell.prefill_tokens_per_s or 0:,.0f}" for cell in paces[name])
        lines.append(f"- {name.split(',')[0]}: {speeds} ({paces[name][0].read_passes} pass)")
    lines.append("- masked: nothing is kept of a prompt; every pass reads all.")
    return lines


def _guards(judged: dict[str, Quality]) -> list[str]:
    lines = ["What the guard found:"]
    found = [f"- {n}: {'; '.join(q.problems)}." for n, q in judged.items() if q.problems]
    return lines + (found or ["- nothing."])


def main() -> None:
    """Train, judge, measure, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=45.0, help="of training, each")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    text = text_of_python()
    learned = {
        AUTOREGRESSION: learn("next_token", {}, text, asked.seconds),
        "masked": learn("masked_diffusion", {"samples": 16}, text, asked.seconds),
        "block": learn("block_diffusion", {"size": BLOCK, "samples": 16}, text, asked.seconds),
    }
    judge = NGramJudge(text.train, text.vocabulary)
    ways = contenders(learned)
    judged = {way.name: written(way, text, judge) for way in ways}
    timing = Timing(clock=time.process_time)
    unseen = torch.from_numpy(text.unseen)
    cells = measure(ways, unseen, (PROMPT,), BATCHES, WRITTEN, timing)
    paces = {way.name: [cell for cell in cells if cell.contender == way.name] for way in ways}
    told = page(text, learned, paces, judged)
    asked.out.write_text(told, encoding="utf-8")
    print(told)
    print(f"{time.process_time():.0f} CPU-seconds")


if __name__ == "__main__":
    main()
