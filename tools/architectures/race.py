"""Two trained models write the same text side by side: how well, how fast, and what may be said."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from tools.architectures.ngram_judge import NGramJudge
from tools.architectures.speed import Contender, Pace, Timing, measure
from tools.architectures.speed_claim import Quality, mismatch, quality

CONTENDER, BASELINE = "contender", "baseline"
DRAW = 1
"""Seed of the text that is judged: both sides draw alike, so that a model equals itself."""


@dataclass(frozen=True)
class Entrant:
    """Who takes part. bits: of unseen text, per token. exact: a likelihood, not a bound of it."""

    contender: Contender
    bits: float
    exact: bool


@dataclass(frozen=True)
class Track:
    """What is written, and where speed is measured.

    known: (N,) tokens that were trained on, for the judge. unseen: (M,) tokens that were not.
    prompts: (B, P) unseen; each is continued by `written` tokens, which are judged. context:
    tokens of the unseen text before the timed writing of `timed` tokens, in each of the `batches`.
    repeats, reads: as of `Timing`.
    """

    vocabulary: int
    known: NDArray[np.int64]
    unseen: NDArray[np.int64]
    prompts: NDArray[np.int64]
    written: int
    context: int
    timed: int
    batches: tuple[int, ...]
    repeats: int
    reads: int


@dataclass(frozen=True)
class Run:
    """One side: quality of its text, and its pace for each batch, in the order of the batches."""

    quality: Quality
    paces: tuple[Pace, ...]

    def pace(self, batch: int) -> Pace:
        """Of that batch. Raises StopIteration when it was not measured."""
        return next(pace for pace in self.paces if pace.batch == batch)


@dataclass(frozen=True)
class Finish:
    """How it ended. against: why no speed may be claimed; nothing where quality is matched."""

    contender: Run
    baseline: Run
    against: tuple[str, ...]

    def decode_ratio(self, batch: int) -> float:
        """The contender's writing speed over the baseline's, whatever the quality."""
        mine, theirs = self.contender.pace(batch), self.baseline.pace(batch)
        return mine.decode_tokens_per_s / theirs.decode_tokens_per_s

    def prefill_ratio(self, batch: int) -> float | None:
        """The same for taking in the context; None where a side keeps nothing of it."""
        mine, theirs = self.contender.pace(batch), self.baseline.pace(batch)
        if mine.prefill_tokens_per_s is None or theirs.prefill_tokens_per_s is None:
            return None
        return mine.prefill_tokens_per_s / theirs.prefill_tokens_per_s

    def speedup(self, batch: int) -> float:
        """The ratio at matched quality: 0 where that is not matched."""
        return 0.0 if self.against else self.decode_ratio(batch)


def race(contender: Entrant, baseline: Entrant, track: Track) -> Finish:
    """Judge the text of both, then time both, interleaved, one thread, after a run to warm up.

    Seconds are those of the processor, which what else the machine does hardly changes; on another
    device those of the clock. Raises BadInput for a text that is too short.
    """
    judge = NGramJudge(track.known, track.vocabulary)
    qualities = [_judged(entrant, track, judge) for entrant in (contender, baseline)]
    paces = _timed(contender.contender, baseline.contender, track)
    runs = [
        Run(found, tuple(pace for pace in paces if pace.contender == name))
        for found, name in zip(qualities, (CONTENDER, BASELINE), strict=True)
    ]
    return Finish(runs[0], runs[1], mismatch(runs[0].quality, runs[1].quality))


@torch.no_grad()
def written(
    contender: Contender, prompts: NDArray[np.int64], length: int, seed: int = DRAW
) -> NDArray[np.int64]:
    """Prompts (B, P) with what the contender writes after them: (B, P + length)."""
    device = next(contender.model.parameters()).device
    reading = contender.aim.read(contender.model, torch.from_numpy(prompts).to(device))
    draw = torch.Generator(device).manual_seed(seed)
    made = contender.aim.write(contender.model, reading, length, draw, contender.how)
    rows: NDArray[np.int64] = made.tokens.cpu().numpy()
    return rows


def clock_of(device: str) -> Callable[[], float]:
    """Seconds of the thread that computes, or of the wall where it is not this processor.

    Under a limit of CPU time Linux counts a whole process in ticks of milliseconds.
    """
    return time.thread_time if device == "cpu" else time.perf_counter


def _judged(entrant: Entrant, track: Track, judge: NGramJudge) -> Quality:
    rows = written(entrant.contender, track.prompts, track.written)
    found = quality(rows, track.prompts.shape[1], track.unseen, judge)
    return replace(found, text_bits=entrant.bits if entrant.exact else None)


def _timed(contender: Contender, baseline: Contender, track: Track) -> Sequence[Pace]:
    clock = clock_of(next(baseline.model.parameters()).device.type)
    timing = Timing(track.repeats, track.reads, clock=clock)
    both = [replace(contender, name=CONTENDER), replace(baseline, name=BASELINE)]
    unseen = torch.from_numpy(track.unseen)
    return measure(both, unseen, (track.context,), track.batches, track.timed, timing)
