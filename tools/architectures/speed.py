"""How fast models read and write: by context, batch and tokens a pass, side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.decode import Generated, Reading, Sampling, cache_bytes
from tools.architectures.objective import Aim

REPEATS = 5


@dataclass(frozen=True)
class Contender:
    """A trained model with its aim and its way of writing."""

    name: str
    aim: Aim
    model: nn.Module
    how: Sampling


@dataclass(frozen=True)
class Pace:
    """One cell of the table. Speeds are medians over the repeats, of all rows of a batch together.

    read_passes, prefill_tokens_per_s: taking the context in; 0 passes and no speed where nothing is
    kept of it. passes, decode_tokens_per_s: writing. spread: slowest write over fastest.
    cache_bytes: of one sequence at the end, summed over its tensors; cache_bytes_per_token: over
    the tokens it remembers.
    """

    contender: str
    batch: int
    context: int
    written: int
    per_pass: int
    read_passes: int
    passes: int
    prefill_tokens_per_s: float | None
    decode_tokens_per_s: float
    spread: float
    cache_bytes: int
    cache_bytes_per_token: float


@dataclass(frozen=True)
class Timing:
    """repeats: measured runs after one that warms up. threads: of torch. clock: seconds.

    reads: of these runs, how many take the prompt in anew, 0 for all; later ones go on from the
    last reading.
    """

    repeats: int = REPEATS
    reads: int = 0
    threads: int = 1
    clock: Callable[[], float] = time.perf_counter


def measure(
    contenders: Sequence[Contender],
    text: Tensor,
    contexts: Sequence[int],
    batches: Sequence[int],
    length: int,
    timing: Timing | None = None,
) -> list[Pace]:
    """Every contender at every context and batch, in an order that rotates with each repeat.

    text: (N,) real tokens that prompts are cut from. length: tokens to write. Raises BadInput for
    a text that is too short.
    """
    timing = timing or Timing()
    paces = []
    with fixed_threads(timing.threads):
        for context in contexts:
            for batch in batches:
                prompt = cut(text, batch, context)
                paces += _side_by_side(contenders, prompt, length, timing)
    return paces


def cut(text: Tensor, batch: int, context: int) -> Tensor:
    """(batch, context): windows spread evenly over the text."""
    room = len(text) - context
    if room < 0 or context < 1:
        raise BadInput(
            f"a text of {len(text)} tokens for contexts of {context}", "give a longer text"
        )
    starts = torch.linspace(0, room, batch + 2, dtype=torch.float64)[1:-1].long()
    return torch.stack([text[start : start + context] for start in starts.tolist()])


@contextmanager
def fixed_threads(count: int) -> Iterator[None]:
    """Torch on that many threads, and as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class _Run:
    reading: Reading
    made: Generated
    read_s: float | None
    write_s: float


def _side_by_side(
    contenders: Sequence[Contender], prompt: Tensor, length: int, timing: Timing
) -> list[Pace]:
    runs: list[list[_Run]] = [[] for _ in contenders]
    readings: list[Reading | None] = [None for _ in contenders]
    numbers = list(range(len(contenders)))
    for repeat in range(timing.repeats + 1):
        turn = repeat % len(numbers)
        for number in numbers[turn:] + numbers[:turn]:
            before = readings[number] if timing.reads and repeat > timing.reads else None
            run = _run(contenders[number], prompt, length, repeat, timing.clock, before)
            readings[number] = run.reading
            if repeat:
                runs[number].append(run)
    return [
        _pace(contender, prompt, length, found)
        for contender, found in zip(contenders, runs, strict=True)
    ]


@torch.no_grad()
def _run(
    contender: Contender,
    prompt: Tensor,
    length: int,
    seed: int,
    clock: Callable[[], float],
    before: Reading | None,
) -> _Run:
    """before: a reading to go on from, which then is not timed."""
    device = next(contender.model.parameters()).device
    prompt = prompt.to(device)
    draw = torch.Generator(device).manual_seed(seed)
    marks = [_now(device, clock)]
    reading = before or contender.aim.read(contender.model, prompt)
    marks.append(_now(device, clock))
    made = contender.aim.write(contender.model, reading, length, draw, contender.how)
    marks.append(_now(device, clock))
    read_s = None if before else marks[1] - marks[0]
    return _Run(reading, made, read_s, marks[2] - marks[1])


def _pace(contender: Contender, prompt: Tensor, length: int, runs: Sequence[_Run]) -> Pace:
    batch, context = prompt.shape
    last = runs[-1]
    read_s = statistics.median(run.read_s for run in runs if run.read_s is not None)
    writes = [run.write_s for run in runs]
    held = cache_bytes(last.made.states) // batch
    return Pace(
        contender=contender.name,
        batch=batch,
        context=context,
        written=length,
        per_pass=contender.how.per_pass,
        read_passes=last.reading.passes,
        passes=last.made.passes,
        prefill_tokens_per_s=batch * context / read_s if last.reading.passes else None,
        decode_tokens_per_s=batch * length / statistics.median(writes),
        spread=max(writes) / min(writes),
        cache_bytes=held,
        cache_bytes_per_token=held / max(1, last.made.kept),
    )


def _now(device: torch.device, clock: Callable[[], float]) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock()
