"""`hanji sandbox exec` and `hanji sandbox probe`. Only typer is imported here."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import Annotated

import typer

from agent.options import AsJson

app = typer.Typer(
    help="Run a command under the sandbox, or see what it enforces.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
BackendName = Annotated[
    str, typer.Option("--backend", metavar="NAME", help="bubblewrap, landlock or process.")
]


@app.command("exec", context_settings={"allow_interspersed_args": False})
def execute(
    command: Annotated[
        list[str], typer.Argument(metavar="-- CMD...", help="The command and its arguments.")
    ],
    wall: Annotated[str, typer.Option("--wall", metavar="TIME")] = "10s",
    memory: Annotated[str, typer.Option("--memory", metavar="SIZE")] = "512MiB",
    disk: Annotated[str, typer.Option("--disk", metavar="SIZE")] = "64MiB",
    processes: Annotated[int, typer.Option("--processes", min=1)] = 64,
    backend: BackendName = "bubblewrap",
    as_json: AsJson = False,
) -> None:
    """Run any command as a trial would run, with no network and with limits; say how it ended."""
    from agent.confined import Limits, run_confined
    from sandbox.logs import escaped

    ran = run_confined(command, Limits.parse(wall, memory, disk, processes), backend)
    if as_json:
        typer.echo(json.dumps(ran.facts(), ensure_ascii=False))
    else:
        sys.stdout.write(escaped(ran.stdout.encode()))
        sys.stdout.flush()
        sys.stderr.write(f"{escaped(ran.stderr.encode())}{ran.words()}\n")
    raise typer.Exit(0 if ran.outcome.verdict == "ok" else 1)


@app.command()
def probe(backend: BackendName = "bubblewrap", as_json: AsJson = False) -> None:
    """Try what the sandbox must refuse, and say what is enforced on this machine."""
    from agent.enforcement import facts, words
    from sandbox.backend import find_backend

    with closing(find_backend(backend)) as found:
        capabilities = found.probe()
    said = json.dumps(facts(capabilities)) if as_json else words(capabilities)
    typer.echo(said)
