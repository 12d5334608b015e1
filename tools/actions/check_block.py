"""Hold a block that is not built in to the laws of blocks, before anything is trained with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from sandbox.policy import MIB, Policy
from tools.bench import Bench
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.architectures.block import Block

LAWS = ("shape", "values", "gradient", "causality", "reference", "decoding")
HOLDS, NOT_ASKED, NOT_REACHED = "holds", "not asked", "not reached"
LONGEST = 240
LIMITS = Policy(trust="untrusted", wall_s=180.0, cpu_s=60.0, memory_bytes=2048 * MIB)
"""The laws ask for fractions of a second; importing torch on a busy machine for some tens."""


class CheckBlockArguments(BaseModel):
    """A block by its name and the SHA-256 of the file that declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    parameters: dict[str, JsonValue] = Field(default_factory=dict)

    def code(self) -> dict[str, str]:
        """The block alone."""
        return {self.block: self.digest}


@tool("check_block", place="sandbox", cpu_s=10.0, policy=LIMITS)
def check_block(arguments: CheckBlockArguments, bench: Bench) -> TrialResult:
    """Hold a block to the laws: shape, values, gradients, causality, its reference, decoding."""
    from tools.architectures.block import find_block
    from tools.architectures.laws import broken_laws

    block = find_block(arguments.block)
    broken = broken_laws(block, arguments.parameters)
    return TrialResult(notes=list(_findings(block, broken)))


def _findings(block: Block, broken: Sequence[str]) -> Iterator[str]:
    """One line a law: `causality: holds`, or what is broken."""
    by_law: dict[str, list[str]] = {law: [] for law in LAWS}
    for sentence in broken:
        law, _, what = sentence.partition(": ")
        by_law[law].append(what)
    unfit = bool(by_law["shape"] or by_law["values"])
    for law, found in by_law.items():
        yield f"{law}: {'; '.join(found)[:LONGEST] or _unbroken(block, law, unfit)}"


def _unbroken(block: Block, law: str, unfit: bool) -> str:
    if unfit and law not in ("shape", "values"):
        return NOT_REACHED
    if law == "decoding" and (block.mixes == "channel" or not block.decodes):
        return NOT_ASKED
    if law == "causality" and not block.causal:
        return NOT_ASKED
    return HOLDS
