"""Begin a run, or go on with one: everything between the command line and the graph."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import JsonValue

from agent.budget import Budget, open_session, spent_before
from agent.ending import RUN, Ending, ending
from agent.facts import run_facts
from agent.graph import GRAPH_VERSION, research
from agent.lab import Lab, Stopped
from agent.literature import keep_literature, library_of, literature_facts
from agent.memory import memory_of
from agent.minds.attends import Attends
from agent.minds.mind import find_mind
from agent.own_code import check_unchanged, keep_code
from agent.probing import keep_probe, probed, probed_again
from agent.progress import FIRST, Event, Watch, unwatched
from agent.seeds import seeds_of
from agent.settings import Settings
from agent.summary import summary
from agent.table import seat
from agent.topic import Topic, settled, subject_of, topic_from
from agent.written_code import with_earlier
from sandbox.backend import find_backend
from sandbox.errors import BadInput, CannotResume, HanjiError
from sandbox.ledger import Ledger
from sandbox.records import CostLine, PaperLine, RunLine, digest_of
from tools.atomic import write_atomically
from tools.literature.own import read_brought
from tools.subject import Subject

MINIATURE_PARAMETERS = 131_520


def begin(
    topic: Topic,
    settings: Settings,
    watch: Watch = unwatched,
    stop: threading.Event | None = None,
) -> Ending:
    """Check everything, make the run's folder and research the topic to its paper.

    Raises BadInput, SandboxUnavailable and the like before any work; later failures end in the
    report. Setting `stop` stops the run so that `resume` can go on.
    """
    if topic.guessed:
        watch(Event(FIRST, topic.guessed))
    mind = find_mind(settings.mind, settings)
    topic = settled(topic, writes=isinstance(mind, Attends))
    subject = subject_of(topic)
    seeds_of(topic, subject, settings)
    if isinstance(mind, Attends):
        mind.check(settings.caps(topic))
    brought = read_brought(topic.literature)
    capabilities = probed(settings)
    folder = _new_folder(topic, settings)
    with _locked(folder):
        facts = run_facts(folder.name, topic, settings, subject, capabilities)
        facts["graph"] = GRAPH_VERSION
        topic = keep_literature(brought, keep_code(topic, subject, folder), folder)
        facts["literature"] = literature_facts(brought, topic, folder)
        _write_start(folder, topic, settings, facts)
    return _go_on(folder, settings, watch, stop, just_probed=True)


def resume(
    folder: Path,
    settings: Settings,
    watch: Watch = unwatched,
    stop: threading.Event | None = None,
) -> Ending:
    """Go on with a run from its last checkpoint, in a sandbox no weaker than it was begun in.

    Raises CannotResume and SandboxUnavailable.
    """
    return _go_on(folder, settings, watch, stop, just_probed=False)


def _go_on(
    folder: Path,
    settings: Settings,
    watch: Watch,
    stop: threading.Event | None,
    *,
    just_probed: bool,
) -> Ending:
    folder = folder.resolve()
    facts, topic, began = _read_start(folder)
    if facts.get("graph") != GRAPH_VERSION:
        raise CannotResume(
            f"{folder.name} was begun by version {facts.get('graph')} of the graph, this is "
            f"{GRAPH_VERSION}",
            "resume it with the version that began it, or start a new run",
        )
    settings = _as_begun(settings, began, folder.name)
    with ExitStack() as closing:
        closing.enter_context(_locked(folder))
        ledger = Ledger(folder / "ledger.jsonl")
        if not ledger.lines(PaperLine) or not (folder / "SUMMARY.md").exists():
            found = None if just_probed else probed_again(settings, facts)
            lab = with_earlier(_lab(folder, topic, settings, facts, ledger, closing))
            if found is not None:
                keep_probe(found, lab.session, ledger)
            lab.watch, lab.stop = watch, stop or threading.Event()
            seat(lab)
            for text in lab.memory.left_out:
                lab.say(RUN, text)
            if isinstance(lab.mind, Attends):
                lab.mind.attend(lab)
            try:
                research(lab, folder.name)
            except Stopped:
                lab.executor.cancel()
            except HanjiError as error:
                lab.failed(RUN, error.what, error.fix)
                write_atomically(folder / "SUMMARY.md", summary(lab, str(error), "", None))
            _close_session(lab)
        return ending(folder, ledger)


def _lab(
    folder: Path,
    topic: Topic,
    settings: Settings,
    facts: Mapping[str, JsonValue],
    ledger: Ledger,
    closing: ExitStack,
) -> Lab:
    from sandbox.executors.local import LocalExecutor

    subject = subject_of(topic)
    check_unchanged(facts, subject)
    seeds, spare = seeds_of(topic, subject, settings)
    backend = find_backend(settings.sandbox)
    executor = closing.enter_context(LocalExecutor(backend, settings.workers))
    press = closing.enter_context(LocalExecutor(find_backend(settings.sandbox), 1))
    budget = Budget(settings.caps(topic), spent_before(ledger))
    open_session(ledger)
    return Lab(
        folder=folder,
        topic=topic,
        settings=settings,
        subject=subject,
        mind=find_mind(settings.mind, settings),
        ledger=ledger,
        budget=budget,
        executor=executor,
        press=press,
        library=library_of(folder, topic, settings, facts),
        facts=facts,
        seeds=seeds,
        spare=spare,
        evaluations=topic.evaluations_for(subject),
        scale=_scale(subject),
        session=sum(line.what.startswith("session ") for line in ledger.lines(CostLine)),
        memory=memory_of(folder, topic, subject, ledger),
    )


def _scale(subject: Subject) -> float:
    """How many times dearer than the miniature's the subject's models are, by their parameters."""
    parameters = getattr(subject, "parameters", MINIATURE_PARAMETERS)
    return max(1.0, float(parameters) / MINIATURE_PARAMETERS)


def _close_session(lab: Lab) -> None:
    """A last line, so that the session's wall time is known to its end."""
    id = digest_of(["session end", lab.session])[:12]
    lab.ledger.append(CostLine(id=id, what=f"end of session {lab.session}"))


def _new_folder(topic: Topic, settings: Settings) -> Path:
    words = re.findall(r"[a-z0-9]+", (topic.title or topic.question).lower())
    slug = "-".join(words)[:40].strip("-") or "run"
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    folder = settings.runs.resolve() / f"{day}-{slug}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise BadInput(
            f"cannot make a run in {settings.runs}: {error.strerror}", "choose another --runs DIR"
        ) from error
    return folder


def _write_start(
    folder: Path, topic: Topic, settings: Settings, facts: Mapping[str, JsonValue]
) -> None:
    """topic.yaml, settings.json, run.json, and the ledger's first line that holds their digests."""
    body = topic.model_dump(mode="json")
    write_atomically(
        folder / "topic.yaml", yaml.safe_dump(body, sort_keys=False, allow_unicode=True)
    )
    whole = {**facts, "settings": settings.facts()}
    write_atomically(folder / "run.json", json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    Ledger(folder / "ledger.jsonl").append(
        RunLine(
            id=folder.name,
            question=topic.question,
            topic_digest=digest_of(body),
            settings_digest=digest_of(whole),
        )
    )


def _read_start(folder: Path) -> tuple[dict[str, JsonValue], Topic, Settings]:
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        body = yaml.safe_load((folder / "topic.yaml").read_text(encoding="utf-8"))
        began = Settings.model_validate(facts["settings"])
    except (OSError, ValueError, KeyError) as error:
        raise CannotResume(
            f"{folder} is not a run that was begun ({error})", "start a new one with `hanji run`"
        ) from error
    return facts, topic_from(body, folder, "topic.yaml"), began


def _as_begun(now: Settings, began: Settings, name: str) -> Settings:
    """What shapes results stays as it was begun; where and how fast may change.

    Raises CannotResume when another sandbox is asked for.
    """
    if "sandbox" in now.model_fields_set and now.sandbox != began.sandbox:
        raise CannotResume(
            f"{name} was begun with the sandbox {began.sandbox!r}, not {now.sandbox!r}",
            "leave --sandbox (HANJI_SANDBOX) out, or start a new run",
        )
    wall = now.budget or began.budget
    moved = {name: getattr(now.endpoint, name) for name in now.endpoint.model_fields_set}
    return now.model_copy(
        update={
            "seed": began.seed,
            "mind": began.mind,
            "script": began.script,
            "language": began.language,
            "sandbox": began.sandbox,
            "budget": wall,
            "endpoint": began.endpoint.model_copy(update=moved),
            "replay": began.replay,
        }
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the run: one process works on it at a time. Raises CannotResume when another does."""
    handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise CannotResume(
            f"another process is working on {folder.name}", "wait for it, or stop it first"
        ) from error
    try:
        yield
    finally:
        os.close(handle)
