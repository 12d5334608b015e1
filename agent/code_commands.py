"""`hanji blocks check`, `hanji methods check` and their like: one group for each kind of code.

Only typer is imported here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from agent.options import AsJson
from agent.sandbox_commands import BackendName
from tools.kind import KINDS, Kind

if TYPE_CHECKING:
    from tools.law_check import LawCheck


def groups() -> Iterator[tuple[str, typer.Typer]]:
    """The commands of each kind, under their name."""
    for kind in KINDS.values():
        about = f"{kind.noun.capitalize()}s of your own, for `{kind.setting}:` in a topic about "
        about += f"{kind.domain}."
        group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
        group.callback(help=about)(lambda: None)
        told = f"Hold {kind.one} to the laws of {kind.of_laws} in a fresh sandbox, as a run does "
        group.command("check", help=f"{told}before it uses it.")(_checker(kind))
        yield kind.command, group


def _checker(kind: Kind) -> Callable[..., None]:
    def check(file: Path, backend: BackendName = "bubblewrap", as_json: AsJson = False) -> None:
        _check(kind, file, backend, as_json)

    argument = typer.Argument(metavar="FILE", help=f"A Python file with one @{kind.decorator}.")
    check.__annotations__["file"] = Annotated[Path, argument]
    return check


def _check(kind: Kind, file: Path, backend: str, as_json: bool) -> NoReturn:
    from agent.own_code import read_own_code
    from sandbox.backend import find_backend
    from sandbox.executors.local import LocalExecutor
    from sandbox.scratch import scratch
    from tools.law_check import check_laws

    own = read_own_code(kind.seam, file)
    with (
        scratch("laws") as folder,
        closing(find_backend(backend)) as found,
        LocalExecutor(found, 1) as executor,
    ):
        seen = check_laws(own, executor, folder)
    typer.echo(_facts(seen, kind) if as_json else _lines(seen, kind))
    raise typer.Exit(0 if seen.lawful else 1)


def _facts(seen: LawCheck, kind: Kind) -> str:
    facts = {kind.short: seen.code.name, "digest": seen.code.digest, "lawful": seen.lawful}
    facts |= {"laws": dict(seen.laws), "failure": seen.failure, "isolation": seen.isolation}
    return json.dumps(facts, ensure_ascii=False)


def _lines(seen: LawCheck, kind: Kind) -> str:
    lines = [f"{law:<10} {what}" for law, what in seen.laws.items()]
    lines.append(seen.sentence or f"{seen.code.name} obeys the laws of {kind.of_laws}")
    return "\n".join(lines)
