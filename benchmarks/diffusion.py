"""Masked and block diffusion against autoregression: who writes faster at equal quality.

python -P benchmarks/diffusion.py [--share 1]     writes benchmarks/results/diffusion.md

One thread, about eleven CPU-minutes. The text is that of the task `text`, help that every Python
ships: training and judge take its training region, prompts, guard and bits the unseen one.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.decode import Sampling
from tools.architectures.ladder import Rung, fastest_match, matched_ratio
from tools.architectures.ngram_judge import NGramJudge
from tools.architectures.objective import Aim, find_objective
from tools.architectures.race import written
from tools.architectures.speed import Contender, Pace, Timing, cut, measure
from tools.architectures.speed_claim import quality
from tools.architectures.train import Course, train
from tools.architectures.writer import Text, bits
from tools.tasks.python_text import python_text
from tools.tasks.sequence import find_sequence_task

RESULT = Path(__file__).resolve().parent / "results" / "diffusion.md"
PROMPT, WRITTEN, SEED, RATE = 32, 64, 0, 3e-3
BATCHES, REPEATS = (1, 4, 16), 3
JUDGED, MEASURED = 64, 48
TEMPERATURES = (1.0, 0.7)
CLOSE = 0.5


@dataclass(frozen=True)
class Taught:
    """A model to be trained. seconds: of CPU. layers: 0 for a single one without attention."""

    name: str
    objective: str
    parameters: dict[str, int]
    width: int
    layers: int
    seconds: float

    @property
    def architecture(self) -> Architecture:
        """Attention in blocks of one is causal, keeps a cache and reads prompts at once."""
        mixer = Choice(block="block_attention", parameters={"heads": 4})
        layer = Layer(mixer=mixer if self.layers else None, channel=Choice(block="glu"))
        return Architecture(width=self.width, layers=(layer,) * max(1, self.layers))


LADDER = (
    Taught("autoregressive, 96 wide", "next_token", {}, 96, 2, 45.0),
    Taught("autoregressive, 96 wide, brief", "next_token", {}, 96, 2, 12.0),
    Taught("autoregressive, 48 wide", "next_token", {}, 48, 2, 20.0),
    Taught("autoregressive, 32 wide, 1 layer", "next_token", {}, 32, 1, 12.0),
    Taught("autoregressive, 16 wide, 1 layer", "next_token", {}, 16, 1, 6.0),
    Taught("autoregressive, no attention", "next_token", {}, 32, 0, 6.0),
)
DIFFUSION = (
    Taught("masked", "masked_diffusion", {"samples": 16}, 96, 2, 60.0),
    Taught("block of 8", "block_diffusion", {"size": 8, "samples": 16}, 96, 2, 110.0),
    Taught("block of 4", "block_diffusion", {"size": 4, "samples": 16}, 96, 2, 220.0),
)
PASSES = {"masked": (2, 4, 8), "block of 8": (2, 4, 8), "block of 4": (1, 2, 4)}


@dataclass(frozen=True)
class Learned:
    """A trained model and what its unseen text costs, exactly or at most."""

    how: Taught
    aim: Aim
    model: torch.nn.Module
    bits: float
    steps: int
    seconds: float
    parameters: int


@dataclass(frozen=True)
class Way:
    """A model with a sampler, and its place on the ladder; not timed where the guard caught it."""

    learned: Learned
    sampling: Sampling
    rung: Rung

    @property
    def kind(self) -> str:
        """What its speed depends on: ways of one kind differ in temperature alone."""
        name, how = self.learned.how.name, self.sampling
        return name if self.learned.how in LADDER else f"{name}, {how.order}, {how.per_pass} a pass"


def text() -> Text:
    """The task's, in its default size."""
    task = find_sequence_task("text")
    size = task.sizes["default"]
    return Text.of(task, size, SEED, task.data("test", SEED, size, MEASURED).tokens)


def learn(how: Taught, about: Text, share: float) -> Learned:
    """Train one model and measure its bits on unseen text. share: of its seconds."""
    torch.manual_seed(SEED)
    aim = find_objective(how.objective).make(how.parameters)
    model = aim.model(how.architecture, about.size.vocabulary)
    course = Course(rate=RATE, seconds=how.seconds * share, batch=16)
    trained = train(model, about.train, course, SEED, loss=aim.loss)
    assert trained.ended == "budget", trained.ended
    count = sum(p.numel() for p in model.parameters())
    held = find_sequence_task("text").data("test", SEED, about.size, MEASURED)
    needed = bits(aim, model, held, SEED)
    return Learned(how, aim, model, needed, trained.steps, trained.seconds, count)


def ways(learned: Learned) -> Iterator[Sampling]:
    """The samplers that are tried with a model."""
    for temperature in TEMPERATURES:
        if learned.how in LADDER:
            yield Sampling(temperature)
            continue
        for per_pass in PASSES[learned.how.name]:
            for order in ("confidence", "random"):
                yield Sampling(temperature, per_pass, order)


def judged(learned: Learned, how: Sampling, about: Text, judge: NGramJudge) -> Way:
    """Text after prompts from the unseen region."""
    prompts = cut(torch.from_numpy(about.unseen), JUDGED, PROMPT).numpy()
    contender = Contender("", learned.aim, learned.model, how)
    rows = written(contender, prompts, WRITTEN, SEED + 1)
    way = Way(learned, how, Rung("", quality(rows, PROMPT, about.unseen, judge), {}))
    named = f"{way.kind}, temperature {how.temperature:g}"
    return replace(way, rung=replace(way.rung, name=named))


def timed(found: Sequence[Way], about: Text) -> tuple[list[Way], dict[str, list[Pace]]]:
    """All in turns, each kind once."""
    entered = [
        Contender(kind, way.learned.aim, way.learned.model, way.sampling)
        for kind, way in {way.kind: way for way in found}.items()
    ]
    timing = Timing(REPEATS, clock=time.process_time)
    unseen = torch.from_numpy(about.unseen)
    paces: dict[str, list[Pace]] = {}
    for pace in measure(entered, unseen, (PROMPT,), BATCHES, WRITTEN, timing):
        paces.setdefault(pace.contender, []).append(pace)
    speeds = {
        kind: {c.batch: c.decode_tokens_per_s for c in cells} for kind, cells in paces.items()
    }
    return [replace(w, rung=replace(w.rung, speeds=speeds[w.kind])) for w in found], paces


def page(learned: Sequence[Learned], found: Sequence[Way], about: Text) -> str:
    """Time what passed, match, and say it all in Markdown."""
    passed, paces = timed([way for way in found if not way.rung.quality.problems], about)
    ladder = [way.rung for way in passed if way.learned.how in LADDER]
    rest = [way for way in passed if way.learned.how not in LADDER]
    caught = [way for way in found if way.rung.quality.problems]
    real = passed[0].rung.quality.real_bits
    digest = hashlib.sha256(python_text().encode()).hexdigest()[:16]
    lines = [
        "# Autoregression, masked diffusion, block diffusion: speed at equal quality",
        "",
        f"Python's help text ({platform.python_version()}, sha256 `{digest}`), character by "
        f"character. torch {torch.__version__}, one thread, one seed, one learning rate; seconds "
        f"are of CPU. Writing {WRITTEN} characters after {PROMPT}, median of {REPEATS} timings "
        "after one to warm up, in turns. Made by `python -P benchmarks/diffusion.py` in "
        f"{time.process_time() / 60:.1f} CPU-minutes.",
        "",
        *_models(learned),
        "",
        "## Speed at equal quality",
        "",
        f"Quality is what a 6-gram judge needs for each written character (real text: {real:.2f} "
        "bits). Each diffusion sampler that passes the guard is set against the fastest "
        "autoregressive model, with its cache, that writes text no worse for the judge at either "
        "temperature: its speed over that one's, by batch. A ratio above 1 is a speed-up.",
        "",
        *_matches(rest, ladder),
        "",
        *_summary(rest, ladder),
        "",
        "## What was timed",
        "",
        *_paces(paces),
        "",
        "## What the guard caught",
        "",
        *_caught(caught),
    ]
    return "\n".join(lines) + "\n"


def _models(learned: Sequence[Learned]) -> list[str]:
    heads = ["| model | parameters | steps | CPU s | bits per unseen character |"]
    return [*heads, "|---|---:|---:|---:|---:|"] + [
        f"| {m.how.name} | {m.parameters:,} | {m.steps:,} | {m.seconds:.0f} | "
        f"{'' if m.how in LADDER else '≤ '}{m.bits:.2f} |"
        for m in learned
    ]


def _matches(rest: Sequence[Way], ladder: Sequence[Rung]) -> list[str]:
    heads = " | ".join(f"batch {batch}" for batch in BATCHES)
    lines = [
        f"| writer | judge's bits | {heads} | matched by, at batch 1 |",
        "|---|---:|" + "---:|" * len(BATCHES) + "---|",
    ]
    for way in sorted(rest, key=lambda way: way.rung.quality.judged_bits):
        ratios = [matched_ratio(way.rung, ladder, batch) for batch in BATCHES]
        cells = " | ".join("no match" if r is None else f"{r:.2f}" for r in ratios)
        match = fastest_match(way.rung, ladder, 1)
        by = f"{match.name} ({match.quality.judged_bits:.2f})" if match else "none writes as well"
        needed = way.rung.quality.judged_bits
        lines.append(f"| {way.rung.name} | {needed:.2f} | {cells} | {by} |")
    return lines


def _summary(rest: Sequence[Way], ladder: Sequence[Rung]) -> list[str]:
    """How often diffusion is faster, and by how much at most; then for close matches alone."""
    lines = [
        "The ladder is coarse: a match may write far better than the writer, which favours "
        f"diffusion. Close matches are at most {CLOSE:g} bits better.",
        "",
    ]
    for batch in BATCHES:
        pairs = [(way.rung, fastest_match(way.rung, ladder, batch)) for way in rest]
        matched = [(rung, match) for rung, match in pairs if match is not None]
        close = [r for r, m in matched if r.quality.judged_bits - m.quality.judged_bits <= CLOSE]
        lines.append(
            f"- Batch {batch}: faster are {_faster([r for r, _ in matched], ladder, batch)} with a "
            f"match, {_faster(close, ladder, batch)} with a close one; "
            f"{len(pairs) - len(matched)} have none."
        )
    return lines


def _faster(rungs: Sequence[Rung], ladder: Sequence[Rung], batch: int) -> str:
    ratios = [ratio for r in rungs if (ratio := matched_ratio(r, ladder, batch)) is not None]
    most = f" (ratio at most {max(ratios):.2f})" if ratios else ""
    return f"{sum(ratio > 1 for ratio in ratios)} of {len(ratios)} settings{most}"


def _paces(paces: dict[str, list[Pace]]) -> list[str]:
    heads = " | ".join(f"characters/s, batch {batch}" for batch in BATCHES)
    lines = [
        f"| writer | passes | {heads} | reads at batch 1 | cache bytes a character | spread |",
        "|---|---:|" + "---:|" * len(BATCHES) + "---:|---:|---:|",
    ]
    for kind, cells in paces.items():
        speeds = " | ".join(f"{cell.decode_tokens_per_s:,.0f}" for cell in cells)
        reads = cells[0].prefill_tokens_per_s
        read = f"{reads:,.0f}" if reads else "keeps nothing"
        spread = max(cell.spread for cell in cells)
        lines.append(
            f"| {kind} | {cells[0].passes} | {speeds} | {read} | "
            f"{cells[0].cache_bytes_per_token:,.0f} | {spread:.2f} |"
        )
    return lines


def _caught(caught: Sequence[Way]) -> list[str]:
    """Settings that repeat themselves, with the judge's praise and the first statistic."""
    return [
        f"- {way.rung.name} (judge: {way.rung.quality.judged_bits:.2f} bits): "
        f"{way.rung.quality.problems[0]}; {len(way.rung.quality.problems)} of 5 statistics fail."
        for way in caught
    ] or ["Nothing."]


def main() -> None:
    """Train, judge, guard, measure, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="of each training's seconds")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    about = text()
    learned = [learn(how, about, asked.share) for how in (*LADDER, *DIFFUSION)]
    judge = NGramJudge(about.known, about.size.vocabulary)
    found = [judged(each, how, about, judge) for each in learned for how in ways(each)]
    told = page(learned, found, about)
    asked.out.write_text(told, encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
