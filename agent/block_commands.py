"""`hanji blocks check`. Only typer is imported here."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from agent.options import AsJson
from agent.sandbox_commands import BackendName

app = typer.Typer(
    help="Blocks of your own, for `blocks:` in a topic about architectures.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def blocks() -> None:
    """Blocks of your own, for `blocks:` in a topic about architectures."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file with one @block.")],
    backend: BackendName = "bubblewrap",
    as_json: AsJson = False,
) -> None:
    """Hold a block to the laws of blocks in a fresh sandbox, as a run does before it trains it."""
    from agent.own_blocks import read_own_blocks
    from sandbox.backend import find_backend
    from sandbox.executors.local import LocalExecutor
    from tools.architectures.law_check import check_laws

    (block,) = read_own_blocks([str(file)])
    with (
        tempfile.TemporaryDirectory(prefix="hanji-laws-") as folder,
        closing(find_backend(backend)) as found,
        LocalExecutor(found, 1) as executor,
    ):
        seen = check_laws(block, executor, Path(folder))
    if as_json:
        facts = {"block": block.name, "digest": block.digest, "lawful": seen.lawful}
        facts |= {"laws": dict(seen.laws), "failure": seen.failure, "isolation": seen.isolation}
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        lines = [f"{law:<10} {what}" for law, what in seen.laws.items()]
        lines.append(seen.sentence or f"{block.name} obeys the laws of blocks")
        typer.echo("\n".join(lines))
    raise typer.Exit(0 if seen.lawful else 1)
