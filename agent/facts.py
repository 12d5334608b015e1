"""run.json: what the run was asked, with what, on which machine; papers read it as facts."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue

from agent.minds.attends import TellsFacts
from agent.minds.mind import find_mind
from agent.own_code import code_facts
from agent.settings import Settings
from agent.topic import Topic
from sandbox.backend import Capabilities
from sandbox.records import CODE_FOLDERS, Split
from tools.subject import Subject
from tools.tasks.task import Item, TaskCard

LIBRARIES = ("hanji", "torch", "transformers", "numpy", "scipy", "cma", "langgraph")
CONFIDENCE = 0.95


def run_facts(
    id: str, topic: Topic, settings: Settings, subject: Subject, capabilities: Capabilities
) -> dict[str, JsonValue]:
    """Plain JSON."""
    mind = find_mind(settings.mind, settings)
    told = mind.facts() if isinstance(mind, TellsFacts) else {}
    budget = settings.caps(topic).facts()
    return {
        "id": id,
        "question": topic.question,
        "title_hint": topic.title,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": settings.seed,
        "mind": {"name": mind.name, "description": mind.description, **told},
        "versions": {"python": platform.python_version(), **{n: version(n) for n in LIBRARIES}},
        "machine": _machine(),
        "budget": budget,
        "sandbox": {
            "backend": capabilities.backend,
            "level": capabilities.level,
            "confined": capabilities.confined,
            "capabilities": dict(capabilities.enforced),
            "lacks": list(capabilities.lacks),
        },
        "subject": subject_facts(subject),
        **{folder: code_facts(subject, seam) for seam, folder in CODE_FOLDERS.items()},
        "alpha": topic.alpha,
        "confidence": CONFIDENCE,
        "family_size": topic.hypotheses,
        "language": settings.language,
        "memory": "asked again" if topic.repeat else "cited" if topic.memory else "off",
        "command": _command(id, topic, settings),
    }


def subject_facts(subject: Subject) -> JsonValue:
    """What run.json says of the models and tasks."""
    first = subject.items(0)
    roles: list[JsonValue] = [
        {
            "name": role.name,
            "label": role.label,
            "kind": role.kind,
            "description": role.description,
            "skilled_in": list(role.skilled_in),
        }
        for role in subject.roles
    ]
    tasks: list[JsonValue] = []
    for card in subject.cards:
        tasks.append(task_facts(card, first))
    return {
        "name": subject.name,
        "domain": subject.domain,
        "description": subject.description,
        "pairing": subject.pairing,
        "caveat": subject.caveat,
        "primary": subject.primary,
        "kept": list(subject.kept),
        "groups": list(subject.groups),
        "roles": roles,
        "tasks": tasks,
    }


def task_facts(
    card: TaskCard, items: Mapping[str, Mapping[Split, tuple[Item, ...]]]
) -> dict[str, JsonValue]:
    """A task and how many items it has; of one that is drawn later its size tells."""
    if card.drawn is not None:
        return {**asdict(card), "dev_items": card.drawn.dev, "test_items": card.drawn.test}
    splits = items[card.name]
    counts = {"dev_items": len(splits["dev"]), "test_items": len(splits["test"])}
    return {**asdict(card), **counts}


def _machine() -> dict[str, JsonValue]:
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpu": "not used",
        "os": f"{platform.system()} {platform.release()}",
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _command(id: str, topic: Topic, settings: Settings) -> str:
    """The one command that runs the same again: its topic, and what was asked otherwise."""
    words = ["hanji", "run", f"{id}/topic.yaml", "--seed", str(settings.seed)]
    if settings.mind != topic.mind:
        words += ["--mind", settings.mind]
    if settings.language != topic.language:
        words += ["--language", settings.language]
    if settings.budget:
        words += ["--budget", f"{settings.budget:g}s"]
    if settings.sandbox != "bubblewrap":
        words += ["--sandbox", settings.sandbox]
    return shlex.join(words)
