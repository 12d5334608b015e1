"""Hold an objective that is not built in to the laws of objectives, before it teaches anything."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tools.bench import Bench
from tools.laws import LIMITS, findings
from tools.tool import NamedCode, tool
from tools.trial import TrialResult


class CheckObjectiveArguments(BaseModel):
    """An objective by its name and the SHA-256 of the file that declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    parameters: dict[str, JsonValue] = Field(default_factory=dict)

    def code(self) -> tuple[NamedCode, ...]:
        """The objective alone."""
        return (NamedCode("objective", self.objective, self.digest),)


@tool("check_objective", place="sandbox", cpu_s=10.0, policy=LIMITS)
def check_objective(arguments: CheckObjectiveArguments, bench: Bench) -> TrialResult:
    """Hold an objective to the laws: loss, gradients, a plain model, draws, learning, writing."""
    from tools.architectures.objective import find_objective
    from tools.architectures.objective_laws import broken_objective_laws, broken_own_laws

    objective = find_objective(arguments.objective)
    broken = broken_objective_laws(objective, arguments.parameters)
    broken += broken_own_laws(objective, arguments.parameters)
    return TrialResult(notes=list(findings("objective", broken, lambda law: True)))
