"""What every block must obey, whoever wrote it. Each law answers with what is broken, or nothing.

Shape; each sequence by itself; causality, by changing what comes later; finite gradients; equality
with the plain reference in values and gradients; one position at a time equals all at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from pydantic import JsonValue
from torch import Tensor, nn

from tools.architectures.block import Block, decoder_of, find_block
from tools.laws import findings

BATCH, LENGTH, WIDTH = 2, 12, 16
LONG = 75
"""Positions beyond a chunk, and not a multiple of one: causality is tried there too."""
TOLERANCE = 1e-5


def broken_laws(
    block: Block, parameters: Mapping[str, JsonValue] | None = None, seed: int = 0
) -> list[str]:
    """One sentence for each law that the block breaks. Raises BadInput for bad parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = block.make(WIDTH, parameters or {}).double()
        _wake(module)
        x = torch.randn(BATCH, LENGTH, WIDTH, dtype=torch.float64)
        broken = list(_shape(module, x))
        if broken:
            return broken
        broken += _gradients(module, x)
        if block.causal:
            broken += _causality(module, x)
            broken += _causality(module, torch.randn(BATCH, LONG, WIDTH, dtype=x.dtype))
        broken += _reference(block, module, x)
        if block.decodes:
            broken += _decoding(block, module, x)
        return broken


def tried(name: str) -> list[str]:
    """One line a law, on the block that this process knows by that name."""
    block = find_block(name)
    asked = {"decoding": block.decodes, "causality": block.causal}
    return list(findings("block", broken_laws(block), lambda law: asked.get(law, True)))


def _wake(module: nn.Module) -> None:
    """Move every weight a little, so that what starts at zero cannot hide an error."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


def _shape(module: nn.Module, x: Tensor) -> Iterator[str]:
    y = module(x)
    if y.shape != x.shape:
        yield f"shape: {tuple(x.shape)} became {tuple(y.shape)}"
    elif not y.isfinite().all():
        yield "values: the output is not finite"
    elif module(x[:, :1]).shape != (BATCH, 1, WIDTH):
        yield "shape: a sequence of one position fails"
    elif not torch.allclose(module(x[:1]), y[:1], atol=TOLERANCE, rtol=0):
        yield "values: the output of a sequence changes with the others of its batch"


def _gradients(module: nn.Module, x: Tensor) -> Iterator[str]:
    module.zero_grad()
    module(x).square().sum().backward()
    for name, parameter in module.named_parameters():
        if parameter.grad is None or not parameter.grad.isfinite().all():
            yield f"gradient: {name} gets {'none' if parameter.grad is None else 'no finite one'}"
        elif not parameter.grad.any():
            yield f"gradient: {name} never changes the output"


def _causality(module: nn.Module, x: Tensor) -> Iterator[str]:
    """Change everything after a position: what came before must stay as it was."""
    with torch.no_grad():
        before = module(x)
        for cut in (1, x.shape[1] // 2, x.shape[1] - 1):
            later = x.clone()
            later[:, cut:] += torch.randn_like(later[:, cut:])
            if not torch.allclose(module(later)[:, :cut], before[:, :cut], atol=TOLERANCE, rtol=0):
                what = f"outputs before position {cut} change with what follows"
                yield f"causality: {what} (of {x.shape[1]} positions)"


def _reference(block: Block, module: nn.Module, x: Tensor) -> Iterator[str]:
    found: list[dict[str, Tensor]] = []
    for compute in (module, lambda given: block.reference(module, given)):
        module.zero_grad()
        given = x.clone().requires_grad_()
        y = compute(given)
        (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum().backward()
        gradients = {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
        assert given.grad is not None
        found.append({"output": y.detach(), "input": given.grad, **gradients})
    fast, plain = found
    for name in fast.keys() | plain.keys():
        if name not in fast or name not in plain:
            yield f"reference: only one of the two has a gradient of {name}"
        elif not torch.allclose(fast[name], plain[name], atol=TOLERANCE, rtol=TOLERANCE):
            worst = (fast[name] - plain[name]).abs().max()
            yield f"reference: {name} differs by {worst:.1e}"


def _decoding(block: Block, module: nn.Module, x: Tensor) -> Iterator[str]:
    with torch.no_grad():
        rows = torch.stack(list(_one_by_one(block, module, x)), 1)
        if rows.shape != x.shape:
            yield f"decoding: one position at a time gives {tuple(rows.shape)}"
            return
        worst = (rows - module(x)).abs().max()
    if not worst <= TOLERANCE:
        yield f"decoding: one position at a time differs from all at once by {worst:.1e}"


def _one_by_one(block: Block, module: nn.Module, x: Tensor) -> Iterator[Tensor]:
    """(B, width) of each position; of a channel mixer, which must not need the others."""
    if block.mixes == "channel":
        yield from (module(now) for now in x.unbind(1))
        return
    decoder = decoder_of(module)
    state = decoder.start(len(x))
    for now in x.unbind(1):
        y, state = decoder.step(now, state)
        yield y
