"""Hold a merge method that is not built in to the laws of merging, before anything uses it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from tools.bench import Bench
from tools.laws import LIMITS, findings
from tools.tool import NamedCode, tool
from tools.trial import TrialResult


class CheckMergeMethodArguments(BaseModel):
    """A merge method by its name and the SHA-256 of the file that declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    parameters: dict[str, StrictBool | float] = Field(default_factory=dict)

    def code(self) -> tuple[NamedCode, ...]:
        """The method alone."""
        return (NamedCode("merge_method", self.method, self.digest),)


@tool("check_merge_method", place="sandbox", cpu_s=10.0, policy=LIMITS)
def check_merge_method(arguments: CheckMergeMethodArguments, bench: Bench) -> TrialResult:
    """Hold a merge method to the laws: type and shape, values, repetition, identity, order."""
    from tools.merging.method import find_method
    from tools.merging.method_laws import broken_laws, is_asked

    method = find_method(arguments.method)
    broken = broken_laws(method, arguments.parameters)
    lines = findings("merge_method", broken, lambda law: is_asked(method, law))
    return TrialResult(notes=list(lines))
