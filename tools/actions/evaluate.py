"""Ask a model as it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tools.bench import Bench
from tools.tool import tool
from tools.trial import TrialResult


class EvaluateArguments(BaseModel):
    """role: the model that is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str = Field(description="role of the model that is asked", min_length=1)

    def needs(self) -> tuple[str, ...]:
        """Roles whose checkpoints the call reads."""
        return (self.role,)

    def stands_for(self) -> str:
        """A model as it is."""
        return "model"


@tool("evaluate", place="sandbox", cpu_s=1.0)
def evaluate(arguments: EvaluateArguments, bench: Bench) -> TrialResult:
    """Ask one model every question of every task, unchanged."""
    from tools.tasks.answer import Speaker

    speaker = Speaker.load(bench.models[arguments.role])
    return TrialResult(predictions=speaker.predict_all(bench.tasks))
