"""What a language model says of a paper beside the checks: advice, which blocks nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Advice(BaseModel):
    """One finding of a model's. where: label of a section, `abstract` for the abstract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    severity: Literal["major", "minor"]
    where: str
    what: str
    fix: str


class Opinion(BaseModel):
    """One model's view of one round's paper; it holds no score.

    author: who was asked, empty where nobody was. missing: why there are no findings, empty where
    the model answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    author: str = ""
    findings: tuple[Advice, ...] = ()
    missing: str = ""

    @property
    def asks(self) -> bool:
        """Whether it would have something rewritten."""
        return any(advice.severity == "major" for advice in self.findings)
