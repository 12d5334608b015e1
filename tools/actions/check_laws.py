"""Hold code that is not built in to the laws of its kind, before anything uses it.

One tool for each kind whose laws are tried within a sandbox, such as `check_block`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from tools.bench import Bench
from tools.kind import KINDS, Kind
from tools.laws import COST_S, LIMITS
from tools.tool import NamedCode, tool
from tools.trial import TrialResult


class LawArguments(BaseModel):
    """Code by its name, in a field called as its kind is, and the SHA-256 of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[Kind]

    @property
    def named(self) -> NamedCode:
        """The file that the call is about."""
        given = self.model_dump()
        return NamedCode(self.kind.seam, given[self.kind.short], given["digest"])

    def code(self) -> tuple[NamedCode, ...]:
        """That file alone."""
        return (self.named,)


def arguments_of(kind: Kind) -> type[LawArguments]:
    """The arguments of its tool."""
    fields: dict[str, Any] = {
        kind.short: (str, ...),
        "digest": (str, Field(pattern=r"^[0-9a-f]{64}$")),
    }
    made = create_model(f"Check{kind.short.title()}Arguments", __base__=LawArguments, **fields)
    made.kind = kind
    return made


def _declare(kind: Kind) -> None:
    def check(arguments: LawArguments, bench: Bench) -> TrialResult:
        return TrialResult(notes=kind.try_inside(arguments.named.name))

    check.__annotations__["arguments"] = arguments_of(kind)
    check.__doc__ = f"Hold {kind.one} to the laws of {kind.of_laws}: {', '.join(kind.laws)}."
    tool(kind.check, place="sandbox", cpu_s=COST_S, policy=LIMITS)(check)


for _kind in KINDS.values():
    if _kind.inside:
        _declare(_kind)
