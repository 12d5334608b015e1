"""A mind that has an opinion of the paper, beside the checks that decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from papers.review.advice import Opinion
from papers.review.finding import Case, Round


@dataclass(frozen=True)
class ReviewRequest:
    """Say what is weak in the paper as it stands. found: what the checks said of it."""

    round: int
    case: Case
    found: Round


@runtime_checkable
class Reviews(Protocol):
    """A mind that reads the paper as a reviewer would."""

    def review(self, request: ReviewRequest) -> Opinion:
        """Advice on the paper: it blocks nothing, changes no finding, and grades nothing."""
        ...
