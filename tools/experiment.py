"""The frozen plan that tests one hypothesis."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from sandbox.records import Split, digest_of, short_id


class Arm(BaseModel):
    """One thing compared: a typed call of a tool, run once for every seed.

    role: `treatment`, `control` or `baseline` (a permanent comparison that the paper's main table
    shows).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    label: str
    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    role: str = "baseline"


class Side(BaseModel):
    """One side of a comparison: per seed the best over `arms`, each averaged over `tasks`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    arms: tuple[str, ...] = Field(min_length=1)
    tasks: tuple[str, ...] = Field(min_length=1)
    split: Split = "test"


class PairedTest(BaseModel):
    """The decision rule, fixed before the first trial.

    effect = treatment - control, paired by seed.

    supported: the exact sign-flip test of effect > null_effect passes alpha after Holm over
    `family_size` tests, and the mean effect reaches predicted_effect. refuted: the exact test of
    effect < predicted_effect passes alpha after Holm. Otherwise inconclusive.

    least_control: what the control's mean must reach for support. Where both sides fail, neither
    loses anything, and a claim of no loss would mean nothing (assay sensitivity, ICH E10).

    gate: part of a known order that must hold as a whole before anything else is asked. The
    intersection-union test of the whole passes alpha when every part passes it by itself (Berger
    1982), so a part is a family of its own and takes nothing from the others' family.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    metric: str = "accuracy"
    treatment: Side
    control: Side
    null_effect: float = 0.0
    predicted_effect: float
    least_control: float = 0.0
    alpha: float = 0.05
    family_size: int = Field(ge=1)
    gate: bool = False

    @model_validator(mode="after")
    def _stands_alone(self) -> PairedTest:
        if self.gate and self.family_size != 1:
            raise ValueError("a part of a gate is tested by itself: its family_size is 1")
        return self


class Experiment(BaseModel):
    """Arms, tasks, seeds, primary metric, decision rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hypothesis: str
    subject: str
    arms: tuple[Arm, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    test: PairedTest
    measured: tuple[str, ...] = ()
    budget_note: str = ""

    @property
    def id(self) -> str:
        """Short digest of the whole plan."""
        return short_id(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 of the whole plan: what the ledger holds once it is frozen."""
        return digest_of(self.model_dump(mode="json"))

    def arm(self, name: str) -> Arm:
        """The arm of that name. Raises KeyError."""
        return {arm.name: arm for arm in self.arms}[name]
