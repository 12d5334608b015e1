"""`hanji blocks check`, `hanji methods check` and their like. Only typer is imported here."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from agent.options import AsJson
from agent.sandbox_commands import BackendName

if TYPE_CHECKING:
    from sandbox.records import Seam
    from tools.law_check import LawCheck

BLOCKS = "Blocks of your own, for `blocks:` in a topic about architectures."
METHODS = "Merge methods of your own, for `methods:` in a topic about merging."
OBJECTIVES = "Objectives of your own, for `objectives:` in a topic about architectures."
TASKS = "Sequence tasks of your own, for `task_files:` in a topic about architectures."
blocks = typer.Typer(help=BLOCKS, no_args_is_help=True, rich_markup_mode=None)
methods = typer.Typer(help=METHODS, no_args_is_help=True, rich_markup_mode=None)
objectives = typer.Typer(help=OBJECTIVES, no_args_is_help=True, rich_markup_mode=None)
tasks = typer.Typer(help=TASKS, no_args_is_help=True, rich_markup_mode=None)


@blocks.callback(help=BLOCKS)
def _blocks() -> None: ...


@methods.callback(help=METHODS)
def _methods() -> None: ...


@objectives.callback(help=OBJECTIVES)
def _objectives() -> None: ...


@tasks.callback(help=TASKS)
def _tasks() -> None: ...


@blocks.command("check")
def check_block(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file with one @block.")],
    backend: BackendName = "bubblewrap",
    as_json: AsJson = False,
) -> None:
    """Hold a block to the laws of blocks in a fresh sandbox, as a run does before it trains it."""
    _check("block", "block", file, backend, as_json)


@methods.command("check")
def check_method(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Python file with one @merge_method.")
    ],
    backend: BackendName = "bubblewrap",
    as_json: AsJson = False,
) -> None:
    """Hold a merge method to the laws of merging in a fresh sandbox, as a run does first."""
    _check("merge_method", "method", file, backend, as_json)


@objectives.command("check")
def check_objective(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Python file with one @objective.")
    ],
    backend: BackendName = "bubblewrap",
    as_json: AsJson = False,
) -> None:
    """Hold an objective to the laws of objectives in a fresh sandbox, as a run does first."""
    _check("objective", "objective", file, backend, as_json)


@tasks.command("check")
def check_task(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Python file with one @drawn_task.")
    ],
    backend: BackendName = "bubblewrap",
    as_json: AsJson = False,
) -> None:
    """Hold a sequence task to the laws of tasks, on what it draws in fresh sandboxes."""
    _check("task", "task", file, backend, as_json)


def _check(seam: Seam, noun: str, file: Path, backend: str, as_json: bool) -> NoReturn:
    from agent.own_code import read_own_code
    from sandbox.backend import find_backend
    from sandbox.executors.local import LocalExecutor
    from tools.law_check import check_laws

    own = read_own_code(seam, file)
    with (
        tempfile.TemporaryDirectory(prefix="hanji-laws-") as folder,
        closing(find_backend(backend)) as found,
        LocalExecutor(found, 1) as executor,
    ):
        seen = check_laws(own, executor, Path(folder))
    typer.echo(_facts(seen, noun) if as_json else _lines(seen))
    raise typer.Exit(0 if seen.lawful else 1)


def _facts(seen: LawCheck, noun: str) -> str:
    facts = {noun: seen.code.name, "digest": seen.code.digest, "lawful": seen.lawful}
    facts |= {"laws": dict(seen.laws), "failure": seen.failure, "isolation": seen.isolation}
    return json.dumps(facts, ensure_ascii=False)


def _lines(seen: LawCheck) -> str:
    from tools.law_check import NOUNS

    lines = [f"{law:<10} {what}" for law, what in seen.laws.items()]
    lines.append(seen.sentence or f"{seen.code.name} obeys the laws of {NOUNS[seen.code.seam]}")
    return "\n".join(lines)
