"""`hanji mind relay` and `hanji mind serve`. Only typer is imported here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.options import AsJson

if TYPE_CHECKING:
    from agent.endpoint.server import Answerer

app = typer.Typer(
    help="Servers that stand in for a language model; docs/minds.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")
]


@app.callback()
def mind() -> None:
    """Servers that stand in for a language model; docs/minds.md."""


@app.command()
def relay(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where requests and replies are.")
    ] = Path("relay"),
    port: Port = 8023,
    wait: Annotated[
        str,
        typer.Option("--wait", metavar="TIME", help="For a reply, before a client asks again."),
    ] = "59m",
    as_json: AsJson = False,
) -> None:
    """Be the mind yourself: requests become files in DIR, and the files you write are replies."""
    from agent.endpoint.relay import Relay, Step
    from agent.quantities import seconds
    from sandbox.logs import escaped

    def tell(number: int, step: Step, about: str) -> None:
        if as_json:
            facts = {"request": number, "step": step, "about": about}
            typer.echo(json.dumps(facts, ensure_ascii=False))
        else:
            typer.echo(escaped(f"{number:04}  {step:<13}  {about}".rstrip().encode()))

    with Relay(folder, tell, seconds(wait)) as desk:
        _serve(desk, port, f"requests: {folder}/NNNN-request.md", as_json)


@app.command()
def serve(
    script: Annotated[
        Path, typer.Argument(metavar="SCRIPT.yaml", help="Replies and faults, step by step.")
    ],
    port: Port = 8024,
    as_json: AsJson = False,
) -> None:
    """Serve a script as if it were a model, to see what a reply or a fault does."""
    from agent.endpoint.scripted_server import ScriptedServer, read_script

    _serve(ScriptedServer(read_script(script)), port, f"script: {script}", as_json)


def _serve(answerer: Answerer, port: int, about: str, as_json: bool) -> None:
    """Until Ctrl-C. The signals are blocked first, so that no thread of the server gets them."""
    import signal

    from agent.endpoint.server import serve as serving

    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with serving(answerer, port) as server:
        if as_json:
            typer.echo(json.dumps({"base_url": server.base_url}))
        else:
            setting = f'[endpoint]\nbase_url = "{server.base_url}"'
            typer.echo(f"{about}\nin hanji.toml:\n{setting}\nCtrl-C ends it.")
        signal.sigwait(ends)
