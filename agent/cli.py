"""The `hanji` command. It imports typer alone; the rest inside command bodies: help is instant."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from agent import code_commands, hand_commands, mind_commands, sandbox_commands
from agent import options as o

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.ending import Ending
    from agent.interrupt import Interrupt
    from agent.progress import Watch
    from agent.settings import Settings
    from agent.topic import Topic

ABOUT = (
    "A research agent that works unattended on model merging and neural architectures and writes "
    "papers that can be trusted."
)
app = typer.Typer(
    name="hanji",
    help=ABOUT,
    epilog="Exit codes: 0 done, 1 the work failed, 2 the call was wrong, 3 the budget ran out "
    "before a result, 130 interrupted (and resumable).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(sandbox_commands.app, name="sandbox")
for _name, _group in code_commands.groups():
    app.add_typer(_group, name=_name)
app.add_typer(mind_commands.app, name="mind")
app.add_typer(hand_commands.app)


def main() -> NoReturn:
    """Run the command; what Hanji raises on purpose becomes one sentence and an exit code."""
    from sandbox.errors import HanjiError

    try:
        app()
    except HanjiError as error:
        fix = f"\n  {error.fix}" if error.fix else ""
        print(f"hanji: {error.what}{fix}", file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(0)


@app.callback(invoke_without_command=True, help=ABOUT)
def hanji(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """What stands before the commands."""
    if version:
        from importlib.metadata import version as installed

        print(f"hanji {installed('hanji')}")
        raise typer.Exit(0)


# ---- runs ----


@app.command()
def run(
    topic: Annotated[
        str,
        typer.Argument(metavar='TOPIC.yaml|"question"', help="A topic file, or a question."),
    ] = "",
    runs: o.Runs = None,
    seed: o.Seed = None,
    budget: o.Budget = None,
    mind: o.MindName = None,
    base_url: o.BaseUrl = None,
    model: o.Model = None,
    replay: o.Replay = None,
    sandbox: o.Backend = None,
    language: o.Language = None,
    workers: o.Workers = None,
    as_json: o.AsJson = False,
) -> None:
    """Research a question unattended, and write the paper."""
    from agent.topic import read_topic

    flags: dict[str, object] = {"seed": seed, "budget": budget, "mind": mind}
    flags |= {"base_url": base_url, "model": model, "replay": replay}
    flags |= {"sandbox": sandbox, "language": language, "workers": workers}
    _start(read_topic(topic) if topic else None, flags, runs, as_json)


@app.command()
def demo(
    runs: o.Runs = None,
    seed: o.Seed = None,
    budget: o.Budget = None,
    mind: o.MindName = None,
    base_url: o.BaseUrl = None,
    model: o.Model = None,
    replay: o.Replay = None,
    sandbox: o.Backend = None,
    language: o.Language = None,
    workers: o.Workers = None,
    as_json: o.AsJson = False,
) -> None:
    """Research the built-in topic: two small specialists, trained here and merged."""
    from agent.topic import demo_topic

    flags: dict[str, object] = {"seed": seed, "budget": budget, "mind": mind}
    flags |= {"base_url": base_url, "model": model, "replay": replay}
    flags |= {"sandbox": sandbox, "language": language, "workers": workers}
    _start(demo_topic(), flags, runs, as_json)


@app.command()
def resume(
    name: o.RunName = "last",
    runs: o.Runs = None,
    budget: o.Budget = None,
    base_url: o.BaseUrl = None,
    model: o.Model = None,
    sandbox: o.Backend = None,
    workers: o.Workers = None,
    as_json: o.AsJson = False,
) -> None:
    """Go on with a run that was interrupted; no finished trial runs again."""
    from agent.run import resume as go_on

    flags: dict[str, object] = {"runs": runs, "budget": budget, "sandbox": sandbox}
    flags |= {"base_url": base_url, "model": model, "workers": workers}
    settings = _settings(None, flags)
    folder = _find(name, runs)
    _finish(lambda watch, interrupt: go_on(folder, settings, watch, interrupt.stop), as_json)


def _start(topic: Topic | None, flags: dict[str, object], runs: Path | None, as_json: bool) -> None:
    from agent.replay import check_is_asked, from_recording
    from agent.run import begin

    asked, flags = from_recording(topic, flags, _folders(runs))
    settings = _settings(asked, {**flags, "runs": runs})
    check_is_asked(settings, flags)
    settings = _writing(settings, runs)
    _finish(lambda watch, interrupt: begin(asked, settings, watch, interrupt.stop), as_json)


def _settings(topic: Topic | None, flags: dict[str, object]) -> Settings:
    """Flags that are None were not given."""
    from agent.settings import read_settings

    return read_settings(topic, flags)


def _writing(settings: Settings, runs: Path | None) -> Settings:
    """Settings whose runs folder can be written, when the person did not name one."""
    from agent.shelf import shelves

    folder = shelves(settings.runs, named=runs is not None)[-1]
    if folder != settings.runs:
        print(f"hanji: {settings.runs} cannot be written; using {folder}", file=sys.stderr)
    return settings.model_copy(update={"runs": folder})


def _find(name: str, runs: Path | None) -> Path:
    from agent.shelf import find_run

    return find_run(name, *_folders(runs))


def _folders(runs: Path | None) -> list[Path]:
    from agent.shelf import shelves

    return shelves(_settings(None, {"runs": runs}).runs, named=runs is not None)


def _finish(work: Callable[[Watch, Interrupt], Ending], as_json: bool) -> NoReturn:
    """Do the work under a watch; say how it ended; exit accordingly."""
    from agent.farewell import ending_facts, ending_words
    from agent.interrupt import Interrupt
    from agent.terminal import watching

    with watching(quiet=as_json) as watch, Interrupt() as interrupt:
        ending = work(watch, interrupt)
    print(_line(ending_facts(ending)) if as_json else ending_words(ending))
    raise typer.Exit(ending.exit_code)


# ---- what was found ----


@app.command("list")
def list_runs(runs: o.Runs = None, as_json: o.AsJson = False) -> None:
    """Every run, oldest first, and how it ended."""
    from agent.columns import columns
    from agent.shelf import all_runs
    from agent.show import run_facts, run_row

    facts = [run_facts(folder) for folder in all_runs(*_folders(runs))]
    if as_json:
        print(_line(facts))
    elif facts:
        print(columns(["run", "status", "verdicts", "wall"], [run_row(fact) for fact in facts]))
    else:
        print("no runs yet: `hanji demo` makes one")


@app.command()
def show(
    name: o.RunName = "last",
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Every measured value and its id.")
    ] = False,
    trials: Annotated[bool, typer.Option("--trials", help="Every trial, also the failed.")] = False,
    hypotheses: Annotated[
        bool, typer.Option("--hypotheses", help="Every hypothesis and its verdict.")
    ] = False,
    runs: o.Runs = None,
    as_json: o.AsJson = False,
) -> None:
    """What a run asked, did and found."""
    from agent.show import parts_facts, parts_words

    folder = _find(name, runs)
    asked = {"hypotheses": hypotheses, "trials": trials, "evidence": evidence}
    parts = [part for part, wanted in asked.items() if wanted]
    print(_line(parts_facts(folder, parts)) if as_json else parts_words(folder, parts))


@app.command()
def verify(name: o.RunName = "last", runs: o.Runs = None, as_json: o.AsJson = False) -> None:
    """Check a run's ledger, every digest, and every number of its paper against the evidence."""
    from agent.farewell import verification_facts, verification_words
    from papers.verify import verify as check

    found = check(_find(name, runs))
    print(_line(verification_facts(found)) if as_json else verification_words(found))
    raise typer.Exit(0 if found.ok else 1)


# ---- tools for the hand ----


@app.command()
def doctor(
    mind: Annotated[
        bool, typer.Option("--mind", help="Try the language model's server too; asks it a little.")
    ] = False,
    base_url: o.BaseUrl = None,
    model: o.Model = None,
    runs: o.Runs = None,
    as_json: o.AsJson = False,
) -> None:
    """What this machine has, what is missing, and the exact mend."""
    from dataclasses import asdict

    from agent.columns import columns
    from agent.doctor import examine, examine_mind, healthy

    settings = _settings(None, {"runs": runs, "base_url": base_url, "model": model})
    checks = examine(_writing(settings, runs).runs)
    if mind or base_url or model:
        checks += examine_mind(settings.endpoint)
    if as_json:
        print(_line({"ok": healthy(checks), "checks": [asdict(check) for check in checks]}))
    else:
        rows = [[check.name, check.state, check.found, check.fix] for check in checks]
        print(columns(["", "state", "found", "mend"], rows))
    raise typer.Exit(0 if healthy(checks) else 1)


def _line(facts: object) -> str:
    return json.dumps(facts, ensure_ascii=False, allow_nan=False)
