"""Hold a block that is not built in to the laws of blocks, before anything is trained with it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tools.bench import Bench
from tools.laws import LIMITS, findings
from tools.tool import NamedCode, tool
from tools.trial import TrialResult


class CheckBlockArguments(BaseModel):
    """A block by its name and the SHA-256 of the file that declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    parameters: dict[str, JsonValue] = Field(default_factory=dict)

    def code(self) -> tuple[NamedCode, ...]:
        """The block alone."""
        return (NamedCode("block", self.block, self.digest),)


@tool("check_block", place="sandbox", cpu_s=10.0, policy=LIMITS)
def check_block(arguments: CheckBlockArguments, bench: Bench) -> TrialResult:
    """Hold a block to the laws: shape, values, gradients, causality, its reference, decoding."""
    from tools.architectures.block import find_block
    from tools.architectures.laws import broken_laws

    block = find_block(arguments.block)

    def asked(law: str) -> bool:
        if law == "decoding":
            return block.decodes
        return law != "causality" or block.causal

    broken = broken_laws(block, arguments.parameters)
    return TrialResult(notes=list(findings("block", broken, asked)))
