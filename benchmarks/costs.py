"""What architectures cost by context and batch: speed, cache, memory, operations, bytes.

    python -P benchmarks/costs.py                  writes results/costs.md

Models of two layers, untrained, one tier of implementation, timed in turns on one thread. What they
would write is worth nothing, so no row is a claim that one is faster than another: that takes
matched quality (the tool compare_speed).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from torch import nn  # noqa: E402

from tools.actions.compress_architecture import in_form  # noqa: E402
from tools.architectures.adapter import built  # noqa: E402
from tools.architectures.architecture import Architecture, Choice, Layer  # noqa: E402
from tools.architectures.cost_sheet import CostSheet, cost_sheets  # noqa: E402
from tools.architectures.decode import Sampling  # noqa: E402
from tools.architectures.foreign import Candidate, Foreign  # noqa: E402
from tools.architectures.new_backbone import drawn  # noqa: E402
from tools.architectures.objective import find_objective  # noqa: E402
from tools.architectures.speed import Contender, Timing  # noqa: E402

REPORT = ROOT / "benchmarks" / "results" / "costs.md"
CONTEXTS, BATCHES = (64, 256, 1024), (1, 16)
VOCABULARY, WIDTH, HEADS, WRITTEN, REPEATS = 105, 64, 4, 32, 3


def stack(mixer: str, **parameters: object) -> Architecture:
    """[mixer, SwiGLU] x 2."""
    layer = Layer(
        mixer=Choice.model_validate({"block": mixer, "parameters": parameters}),
        channel=Choice(block="glu", parameters={"expansion": 2.0}),
    )
    return Architecture(width=WIDTH, layers=(layer, layer))


CANDIDATES: dict[str, Candidate] = {
    "attention": stack("softmax_attention"),
    "attention, one key head": stack("softmax_attention", groups=1),
    "attention, window of 64": stack("softmax_attention", window=64),
    "latent attention": stack("latent_attention"),
    "linear attention": stack("linear_attention"),
    "SSD": stack("state_space_dual"),
    "DeltaNet": stack("delta_net"),
    "gated DeltaNet": stack("gated_delta_net"),
    "RWKV": stack("rwkv"),
    "RG-LRU": stack("rg_lru"),
    "long convolution": stack("long_convolution"),
    "Llama of transformers": Foreign(family="llama", width=WIDTH, heads=HEADS),
}


def contenders() -> Iterator[Contender]:
    """Every candidate, and attention with smaller weights."""
    aim = find_objective("next_token").make({})

    def one(name: str, model: nn.Module) -> Contender:
        return Contender(name, aim, model.eval(), Sampling(1.0))

    for name, candidate in CANDIDATES.items():
        yield one(name, drawn(lambda each=candidate: built(each, VOCABULARY), 0))
    whole = drawn(lambda: built(CANDIDATES["attention"], VOCABULARY), 0)
    yield one("attention, int8 weights", in_form(whole, "int8"))
    yield one("attention, half pruned", in_form(whole, "pruned"))


def measured(contexts: list[int]) -> dict[int, list[CostSheet]]:
    """The sheets of every contender, by context."""
    torch.set_num_threads(1)
    clock = time.thread_time  # what else the machine does hardly changes it
    timing = Timing(repeats=REPEATS, clock=clock)
    text = torch.randint(VOCABULARY, (8192,), generator=torch.Generator().manual_seed(0))
    every = list(contenders())
    return {c: cost_sheets(every, text, c, BATCHES, WRITTEN, timing) for c in contexts}


def report(found: dict[int, list[CostSheet]]) -> str:
    """One table for each context."""
    said = " ".join(line.strip() for line in (__doc__ or "").splitlines()[4:])
    parts = [
        "# What architectures cost\n",
        "`python -P benchmarks/costs.py`\n",
        f"{said.strip()}\n",
    ]
    parts.append(
        f"Width {WIDTH}, a vocabulary of {VOCABULARY}, torch {torch.__version__}; {WRITTEN} "
        f"tokens written, median of {REPEATS} timings in CPU-seconds after one to warm up. Memory: "
        "most bytes alive at once besides the weights, for one sequence of the context.\n"
    )
    for context, sheets in found.items():
        parts += [f"## After {context} tokens\n", *table(sheets), ""]
    return "\n".join(parts)


def table(sheets: list[CostSheet]) -> Iterator[str]:
    """A row for each model, a column for each quantity."""
    heads = [f"{name} ({unit})" for name, _, unit in sheets[0].rows()]
    yield f"| model | {' | '.join(heads)} |"
    yield f"|---|{'---:|' * len(heads)}"
    for sheet in sheets:
        yield f"| {sheet.name} | {' | '.join(_cell(value) for _, value, _ in sheet.rows())} |"


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--contexts", type=int, nargs="+", default=list(CONTEXTS))
    given.add_argument("--to", type=Path, default=REPORT)
    asked = given.parse_args()
    written = report(measured(asked.contexts))
    asked.to.write_text(written + "\n", encoding="utf-8")
    print(written)
