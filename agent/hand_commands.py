"""Commands for the hand: `hanji merge`, `doctor`, `init`, `test`. Only typer is imported here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent import options as o

app = typer.Typer(rich_markup_mode=None)


@app.command()
def merge(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="A recipe in YAML: models, merge_method, ...")
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The new folder of the merged checkpoint.")
    ],
    as_json: o.AsJson = False,
) -> None:
    """Merge checkpoints by a recipe, without any research."""
    from tools.merging.merge import merge as carry_out
    from tools.merging.recipe import read_recipe

    made = carry_out(read_recipe(config), out, config.parent)
    facts = {"out": str(made.folder), "tensors": made.tensors, "bytes": made.bytes}
    words = f"{made.folder}: {made.tensors} tensors, {made.bytes >> 20} MiB"
    typer.echo(_json(facts) if as_json else words)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE")] = Path("topic.yaml"),
    as_json: o.AsJson = False,
) -> None:
    """Write a commented topic file to start from."""
    from agent.template import write_template

    made = write_template(file)
    words = f"wrote {made}; edit it, then: hanji run {made}"
    typer.echo(_json({"file": str(made)}) if as_json else words)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def test(context: typer.Context, as_json: o.AsJson = False) -> None:
    """Run the test suite; arguments go to pytest."""
    from agent.testing import run_suite

    code = run_suite(context.args, sys.stderr if as_json else None)
    if as_json:
        typer.echo(_json({"ok": code == 0, "exit_code": code}))
    raise typer.Exit(code)


def _json(facts: object) -> str:
    return json.dumps(facts, ensure_ascii=False, allow_nan=False)
