"""One arm with one seed: the spec that names it and the result that its job writes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from sandbox.records import Split, short_id

Step = Literal["whole", "make", "answer"]
"""What a job does of a trial: all of it, or only what it makes, or only what that answers."""


class TrialSpec(BaseModel):
    """Everything that decides what a trial computes. Equal specs are one trial, run once.

    needs: role -> id of the trial whose `model/` is that role's checkpoint (the built-in
    specialists).
    files: input name -> SHA-256 of a file or folder that the person brought.
    code_digest: SHA-256 over the sources that run inside the sandbox. data_digest: over the task
    items.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    arguments: dict[str, JsonValue]
    seed: int
    needs: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    code_digest: str
    data_digest: str

    @property
    def id(self) -> str:
        """Short digest of the whole spec."""
        return short_id(self.model_dump(mode="json"))


class SearchPoint(BaseModel):
    """One evaluation of a search: fitness of the candidate and of the best so far, on dev items."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    evaluation: int = Field(ge=1, le=1_000_000)
    fitness: float
    best: float


class TrialResult(BaseModel):
    """`result.json` as a trial leaves it: predictions, never scores. Read as hostile data.

    predictions: task -> split -> one answer per item, in order. coefficients: model role ->
    parameter group -> weight of its task vector ("what was merged where"). evaluations: candidates
    evaluated on the dev split. measures: what else was counted, by the names of tools/measures.py.
    found: the architecture that a search settled on, as data; empty for all other trials.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    predictions: dict[str, dict[Split, list[str]]] = Field(default_factory=dict)
    search: list[SearchPoint] = Field(default_factory=list)
    coefficients: dict[str, dict[str, float]] = Field(default_factory=dict)
    evaluations: int = Field(default=0, ge=0)
    steps: int = Field(default=0, ge=0)
    notes: list[str] = Field(default_factory=list, max_length=20)
    measures: dict[str, float] = Field(default_factory=dict, max_length=64)
    found: dict[str, JsonValue] = Field(default_factory=dict)
