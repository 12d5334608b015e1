"""Teachers: trained on labels, each on its own domain, before their student is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.counts import flops_per_token
from tools.architectures.exam import Exam
from tools.architectures.new_backbone import drawn
from tools.architectures.objectives.next_token import NextToken
from tools.architectures.sweep import Attempt, sweep
from tools.architectures.train import Course
from tools.kept import Kept
from tools.merging.train import stream
from tools.tasks.sequence import Batch, SequenceTask, Size


@dataclass(frozen=True)
class ByDomain:
    """The splits that teachers learn from and are chosen on, each sequence with its domain."""

    task: SequenceTask
    size: Size
    train: Batch
    dev: Batch

    @classmethod
    def of(cls, task: SequenceTask, size: Size, train: Batch, dev: Batch) -> ByDomain:
        """Raises BadInput when a domain has no sequence to learn from or to choose by."""
        found = cls(task, size, train, dev)
        for domain in range(task.domains):
            if not min(len(part) for part in found.within(domain)):
                raise BadInput(
                    f"{task.name}: no sequence of domain {domain} in train or dev",
                    "use a larger size",
                )
        return found

    def within(self, domain: int) -> tuple[Batch, Batch]:
        """Train and dev of one domain."""
        return self._part(self.train, domain), self._part(self.dev, domain)

    def domain_of(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B,), on the same device."""
        return torch.from_numpy(self._domains(tokens.cpu().numpy())).to(tokens.device)

    def _part(self, part: Batch, domain: int) -> Batch:
        mine = self._domains(part.tokens) == domain
        return Batch(part.tokens[mine], part.targets[mine])

    def _domains(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.task.domain_of is None:
            return np.zeros(len(tokens), dtype=np.int64)
        return self.task.domain_of(tokens, self.size)


@dataclass(frozen=True)
class Teachers:
    """One a domain, in their order. step_tokens: of each one's batch; length: of a sequence."""

    best: tuple[Attempt, ...]
    step_tokens: tuple[int, ...]
    length: int

    @property
    def models(self) -> list[nn.Module]:
        """As trained."""
        return [attempt.trained.model for attempt in self.best]

    @property
    def flops(self) -> float:
        """Operations of the trainings that were kept."""
        return sum(
            attempt.trained.steps
            * tokens
            * round(flops_per_token(attempt.trained.model, self.length, backward=True))
            for attempt, tokens in zip(self.best, self.step_tokens, strict=True)
        )

    @property
    def answer_flops(self) -> float:
        """Operations per token of what a student hears: an item's own teacher reads it."""
        return flops_per_token(self.models[0], self.length)

    @property
    def seconds(self) -> float:
        """Processor time of the trainings that were kept."""
        return sum(attempt.trained.seconds for attempt in self.best)

    @property
    def accuracy(self) -> float:
        """Mean over the teachers, each on its own domain's dev items."""
        return sum(attempt.dev.accuracy for attempt in self.best) / len(self.best)

    def lines(self) -> list[str]:
        """One for each, for people."""
        return [
            f"teacher {number} of {len(self.best)}: rate {attempt.rate:g}, "
            f"{attempt.trained.ended} after {attempt.trained.steps} steps, "
            f"dev accuracy {attempt.dev.accuracy:.4f}"
            for number, attempt in enumerate(self.best, 1)
        ]


def trained_teachers(
    exam: Exam,
    architecture: Architecture,
    data: ByDomain,
    rates: Sequence[float],
    course: Course,
    seed: int,
    device: torch.device,
    kept: Kept | None = None,
) -> Teachers:
    """For each domain the best of the rates on its dev items; labels are all that teachers see.

    kept: where the trainings are kept, each in a file of its own.
    """
    found, tokens = [], []
    for domain in range(data.task.domains):
        own = stream(seed, "distillation", f"teacher {domain}")
        train, dev = data.within(domain)

        def untrained(own: int = own) -> nn.Module:
            return drawn(lambda: exam.candidate(NextToken(), architecture), own).to(device)

        place = kept.part(f"teacher-{domain + 1}") if kept is not None else None
        loss = NextToken().loss
        tried = sweep(untrained, rates, course, train, dev, own, loss, exam.fit, kept=place)
        found.append(tried.best)
        tokens.append(min(course.batch, len(train)) * exam.size.length)
    return Teachers(tuple(found), tuple(tokens), exam.size.length)
