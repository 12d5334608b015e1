"""Everything that models cost, in one table: size, work, state, memory, speed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from tools.architectures.counts import (
    active_parameters,
    decodes,
    flops_per_token,
    state_size,
)
from tools.architectures.memory import pass_bytes
from tools.architectures.packing import weight_bytes
from tools.architectures.speed import Contender, Pace, Timing, cut, measure


@dataclass(frozen=True)
class CostSheet:
    """What one model costs at one context. None: there is no such thing for it.

    parameters: numbers that are kept, scales of quantised weights among them. active_parameters:
    without experts that a token does not go through. weight_bytes: of all tensors that are kept.
    flops_per_token, training_flops_per_token: forward, and with the backward pass, in one sequence
    of `context`. state_bytes: of one sequence's cache after `context` tokens, summed over its
    tensors; state_bytes_per_token: what one more token adds, averaged over the second half.
    forward_bytes, training_bytes: of tensors alive at once in such a pass, besides the weights.
    """

    name: str
    context: int
    parameters: int
    active_parameters: int
    weight_bytes: int
    flops_per_token: float
    training_flops_per_token: float | None
    state_bytes: int | None
    state_bytes_per_token: float | None
    forward_bytes: int
    training_bytes: int | None
    paces: tuple[Pace, ...]

    def rows(self) -> Iterator[tuple[str, float | None, str]]:
        """(quantity, value, unit), speeds for each batch last."""
        yield "parameters", self.parameters, "count"
        yield "active parameters", self.active_parameters, "count"
        yield "weights", self.weight_bytes, "bytes"
        yield "operations per token", self.flops_per_token, "FLOPs"
        yield "operations per token in training", self.training_flops_per_token, "FLOPs"
        yield f"state after {self.context} tokens", self.state_bytes, "bytes"
        yield "state per further token", self.state_bytes_per_token, "bytes"
        yield "memory of a forward pass", self.forward_bytes, "bytes"
        yield "memory of a training pass", self.training_bytes, "bytes"
        for pace in self.paces:
            yield f"prefill at batch {pace.batch}", pace.prefill_tokens_per_s, "tokens/s"
            yield f"decode at batch {pace.batch}", pace.decode_tokens_per_s, "tokens/s"


def cost_sheets(
    contenders: Sequence[Contender],
    text: Tensor,
    context: int,
    batches: Sequence[int] = (1, 16),
    written: int = 32,
    timing: Timing | None = None,
) -> list[CostSheet]:
    """Count models and time them in turns on prompts cut from the text: (N,) tokens.

    contenders: each with a name of its own. written: tokens to write for each timing. Raises
    BadInput for a text that is shorter than the context.
    """
    paces = measure(contenders, text, [context], batches, written, timing)
    prompt = cut(text, 1, context)
    return [
        _sheet(one, prompt, tuple(pace for pace in paces if pace.contender == one.name))
        for one in contenders
    ]


def _sheet(contender: Contender, prompt: Tensor, paces: tuple[Pace, ...]) -> CostSheet:
    model, context = contender.model, prompt.shape[1]
    tokens = prompt.to(next(model.parameters()).device)
    trains = all(p.requires_grad for p in model.parameters())
    state, further = _state(model, context)
    return CostSheet(
        name=contender.name,
        context=context,
        parameters=sum(p.numel() for p in model.parameters()),
        active_parameters=active_parameters(model),
        weight_bytes=weight_bytes(model),
        flops_per_token=flops_per_token(model, context),
        training_flops_per_token=flops_per_token(model, context, backward=True) if trains else None,
        state_bytes=state,
        state_bytes_per_token=further,
        forward_bytes=pass_bytes(model, tokens, backward=False),
        training_bytes=pass_bytes(model, tokens, backward=True) if trains else None,
        paces=paces,
    )


def _state(model: nn.Module, context: int) -> tuple[int | None, float | None]:
    """Bytes after the context, and those that each token of its second half added."""
    if not decodes(model):
        return None, None
    whole = state_size(model, context).size_bytes
    half = context // 2
    if not half:
        return whole, None
    return whole, (whole - state_size(model, half).size_bytes) / (context - half)
