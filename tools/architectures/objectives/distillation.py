"""Learn from teachers' whole distributions."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.left_to_right import LeftToRight, asked_nats, refuse_peeking
from tools.architectures.objective import objective
from tools.tasks.sequence import NOT_ASKED

DomainOf: TypeAlias = Callable[[Tensor], Tensor]
"""tokens (B, T) -> (B,), the number of the teacher that knows each item's domain."""


@objective("distillation", source="arXiv:1503.02531", likelihood="exact", teachers=True)
class Distillation(LeftToRight):
    """Teachers' soft targets at a temperature, with a share of the true ones (Hinton et al. 2015).

    soft: share of the teachers' part, scaled by temperature squared. several: with more than one
    teacher each item is taught by one (`routed`: its domain's, or the one that answers it best when
    no domain is told), or by the `average` of all. The student may be any architecture; a routed
    mixture of experts is one whose channel mixer is one.
    """

    def __init__(
        self,
        temperature: float = 2.0,
        soft: float = 0.7,
        several: Literal["routed", "average"] = "routed",
    ) -> None:
        if temperature <= 0 or not 0 <= soft <= 1:
            raise BadInput(
                f"distillation: temperature {temperature}, soft {soft}",
                "temperature is above 0 and soft a share",
            )
        self.temperature, self.soft, self.several = temperature, soft, several
        self.teachers: tuple[nn.Module, ...] = ()
        self.domain_of: DomainOf | None = None

    def taught_by(
        self, teachers: Sequence[nn.Module], domain_of: DomainOf | None = None
    ) -> Distillation:
        """The same aim with these teachers, which are put into evaluation mode."""
        taught = copy.copy(self)
        taught.teachers = tuple(teacher.eval() for teacher in teachers)
        taught.domain_of = domain_of
        return taught

    def model(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> nn.Module:
        """The student: a plain Backbone."""
        return Backbone(architecture, vocabulary, outputs)

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Mean nats over the asked positions. Raises BadInput without teachers."""
        refuse_peeking(model, tokens, targets)
        asked = targets != NOT_ASKED
        logits = model(tokens)
        taught = self._taught(tokens, targets)[asked]
        student = (logits[asked] / self.temperature).log_softmax(-1)
        apart = nnf.kl_div(student, taught, reduction="none", log_target=True).sum()
        soft = apart * self.temperature**2 / asked.sum().clamp_min(1)
        return self.soft * soft + (1 - self.soft) * asked_nats(logits, targets)

    @torch.no_grad()
    def _taught(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Log probabilities (B, T, V) at the temperature, of each item's teacher or of all."""
        if not self.teachers:
            raise BadInput("distillation without a teacher", "give it some: aim.taught_by([model])")
        if self.several == "routed" and self.domain_of is not None:
            return self._by_domain(tokens, self.domain_of(tokens))
        logits = torch.stack([teacher(tokens) for teacher in self.teachers])
        logs = (logits / self.temperature).log_softmax(-1)
        if self.several == "average":
            return logs.logsumexp(0) - math.log(len(self.teachers))
        best = _nats_of_items(logits, targets).argmin(0)
        return logs[best, torch.arange(len(tokens), device=tokens.device)]

    def _by_domain(self, tokens: Tensor, domains: Tensor) -> Tensor:
        """Each teacher reads the items of its own domain alone."""
        found: Tensor | None = None
        for number in torch.unique(domains).tolist():
            if not 0 <= number < len(self.teachers):
                raise BadInput(f"no teacher of domain {number}", "one teacher a domain, from 0")
            mine = domains == number
            logs = (self.teachers[number](tokens[mine]) / self.temperature).log_softmax(-1)
            if found is None:
                found = logs.new_empty(len(tokens), *logs.shape[1:])
            found[mine] = logs
        assert found is not None
        return found


def _nats_of_items(logits: Tensor, targets: Tensor) -> Tensor:
    """(teachers, B): the sum over an item's asked positions. logits: (teachers, B, T, V)."""
    each = [
        nnf.cross_entropy(one.transpose(1, 2), targets, ignore_index=NOT_ASKED, reduction="none")
        for one in logits
    ]
    return torch.stack(each).sum(-1)
