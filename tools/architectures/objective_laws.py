"""What every objective must obey, whoever wrote it. Each law answers with what is broken.

Finite losses and gradients that reach every weight; the same draw gives the same loss; thirty steps
on one batch lower it; bits are finite and not negative; writing keeps the prompt, stays within the
vocabulary, and says how many passes it took.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from pydantic import JsonValue
from torch import Tensor, nn

from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.backbone import Backbone
from tools.architectures.decode import Sampling
from tools.architectures.objective import Aim, Objective, find_objective
from tools.laws import findings

BATCH, LENGTH, VOCABULARY, STEPS = 16, 8, 5, 30
TINY = Architecture(
    width=16,
    layers=(Layer(mixer=Choice(block="softmax_attention"), channel=Choice(block="glu")),),
)


def broken_objective_laws(
    objective: Objective, parameters: Mapping[str, JsonValue] | None = None, seed: int = 0
) -> list[str]:
    """One sentence for each law that the objective breaks. Raises BadInput for bad parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        aim = _with_teachers(objective, parameters or {})
        model = aim.model(TINY, VOCABULARY)
        tokens, targets = _batch()
        broken = list(_gradients(aim, model, tokens, targets))
        if not broken:
            broken += _repeats(aim, model, tokens, targets)
            broken += _learns(aim, model, tokens, targets)
            broken += _bits(aim, model, tokens, targets)
            broken += _writes(aim, model, tokens)
        return broken


def broken_own_laws(
    objective: Objective, parameters: Mapping[str, JsonValue] | None = None
) -> list[str]:
    """What is asked besides of an objective that is not built in: it teaches the plain model.

    With a model of its own it would be compared at another size, and its code would answer.
    """
    with torch.random.fork_rng(devices=[]):
        made = objective.make(parameters or {}).model(TINY, VOCABULARY)
        plain = Backbone(TINY, VOCABULARY)
    same = type(made) is Backbone and made.architecture == plain.architecture
    if same and _shapes(made) == _shapes(plain):
        return []
    return ["model: it is not Backbone(architecture, vocabulary, outputs), with nothing added"]


def tried(name: str) -> list[str]:
    """One line a law, on the objective that this process knows by that name."""
    objective = find_objective(name)
    broken = broken_objective_laws(objective) + broken_own_laws(objective)
    return list(findings("objective", broken, lambda law: True))


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(each.shape) for name, each in model.named_parameters()}


def _with_teachers(objective: Objective, parameters: Mapping[str, JsonValue]) -> Aim:
    aim = objective.make(parameters)
    if objective.teachers:
        teachers = [aim.model(TINY, VOCABULARY) for _ in range(2)]
        taught: Aim = aim.taught_by(teachers)  # type: ignore[attr-defined]
        return taught
    return aim


def _batch() -> tuple[Tensor, Tensor]:
    """Counting up from anywhere: next tokens, and a state's next state, are both one more."""
    text = (torch.randint(VOCABULARY, (BATCH, 1)) + torch.arange(LENGTH + 1)) % VOCABULARY
    return text[:, :-1], text[:, 1:]


def _draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _gradients(aim: Aim, model: nn.Module, tokens: Tensor, targets: Tensor) -> Iterator[str]:
    loss = aim.loss(model, tokens, targets, _draw())
    if loss.dim() or not loss.isfinite():
        yield f"loss: {loss.detach()} is not a finite scalar"
        yield "gradient: there is none of such a loss"
        return
    loss.backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        if parameter.grad is None or not parameter.grad.isfinite().all():
            yield f"gradient: {name} gets none that is finite"
        elif not parameter.grad.any():
            yield f"gradient: {name} never changes the loss"


def _repeats(aim: Aim, model: nn.Module, tokens: Tensor, targets: Tensor) -> Iterator[str]:
    with torch.no_grad():
        first, again = (aim.loss(model, tokens, targets, _draw(1)) for _ in range(2))
    if first != again:
        yield f"draw: the same one gives a loss of {first} and of {again}"


def _learns(aim: Aim, model: nn.Module, tokens: Tensor, targets: Tensor) -> Iterator[str]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(STEPS):
        loss = aim.loss(model, tokens, targets, _draw(2))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    if not losses[-1] < 0.9 * losses[0]:
        yield f"learning: from {losses[0]:.3f} to {losses[-1]:.3f} in {STEPS} steps of one batch"


@torch.no_grad()
def _bits(aim: Aim, model: nn.Module, tokens: Tensor, targets: Tensor) -> Iterator[str]:
    bits = aim.bits(model, tokens, targets, _draw(3))
    if bits.dim() or not bits.isfinite() or bits < 0:
        yield f"bits: {bits} is not a finite number of them"


def _writes(aim: Aim, model: nn.Module, tokens: Tensor) -> Iterator[str]:
    prompt, length = tokens[:3, :4], 7
    for how in (Sampling(), Sampling(0.0, 2), Sampling(1.0, 3, "random")):
        made = aim.write(model, aim.read(model, prompt), length, _draw(4), how)
        if made.tokens.shape != (3, 4 + length) or not made.tokens[:, :4].equal(prompt):
            yield f"writing: {tuple(made.tokens.shape)} is not the prompt with {length} tokens more"
        elif not bool(((made.tokens >= 0) & (made.tokens < VOCABULARY)).all()):
            yield "writing: a token outside the vocabulary"
        elif made.passes < 1:
            yield f"writing: {made.passes} passes"
