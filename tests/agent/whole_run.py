"""Whole runs as tests begin them: in a folder of their own, with nothing of this machine's."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from agent.ending import Ending
from agent.endpoint.exchange import Exchange
from agent.endpoint.message import Ask, Message
from agent.minds.playbook.family import Setting, find_family
from agent.run import begin
from agent.settings import read_settings
from agent.topic import Topic, subject_of, topic_from
from tests.agent.spoken import GIBBERISH, Reply, Speaker

ONE_QUESTION: Mapping[str, object] = {
    "question": "Does merging compose skills?",
    "profile": "quick",
    "hypotheses": 1,
    "alpha": 0.45,
    "first": [],
    "seeds": 2,
    "evaluations": 20,
    "mind": "language-model",
    "budget": {"wall": "30m"},
}
"""A language model's run of about a minute: one hypothesis, two seeds."""


def whole_run(
    home: Path,
    body: Mapping[str, object] | Topic,
    stop: threading.Event | None = None,
    **flags: object,
) -> Ending:
    """The run of this topic, its runs and its cache below `home`."""
    topic = body if isinstance(body, Topic) else topic_from(dict(body), home, "topic")
    given = {"runs": home / "runs", "cache": home / "cache", "workers": 2, **flags}
    return begin(topic, read_settings(topic, given, {}, home / "none"), stop=stop)


def asked_run(home: Path, body: Mapping[str, object], families: Iterable[str]) -> Ending:
    """A run that asks what these families would, at once, and then what the built-in mind would."""
    topic = topic_from({**body, "mind": "scripted"}, home, "topic")
    subject = subject_of(topic)
    at = Setting(subject, topic.evaluations_for(subject))
    text = {"propose": [{"hypotheses": [_proposal(family, at) for family in families]}]}
    script = home / "script.yaml"
    script.write_text(yaml.safe_dump({**text, "otherwise": "playbook"}), encoding="utf-8")
    return whole_run(home, topic, script=str(script))


def _proposal(family: str, at: Setting) -> dict[str, object]:
    idea = find_family(family).think(at)
    assert idea is not None, family
    names = ("title", "statement", "rationale", "prediction", "refuted_by")
    asked: dict[str, object] = {name: getattr(idea, name) for name in names}
    return asked | {"family": family, "cites": list(idea.cites)}


def recorded_run(home: Path, said: Mapping[str, Reply], babbled: Iterable[str]) -> Ending:
    """One question to a recorded model. said: reply by key; babbled: parts it cannot write."""
    gibberish = {f"write-{part}{more}": GIBBERISH for part in babbled for more in ("", "-repair")}
    recording = cassette(home / "cassette.jsonl", {**said, **gibberish})
    return whole_run(home, ONE_QUESTION, replay=str(recording))


def cassette(path: Path, replies: Mapping[str, Reply]) -> Path:
    """A recording of a model that says this."""
    voice, lines = Speaker(replies), []
    for key in replies:
        ask = Ask(key, "write", (Message("user", "recorded"),))
        answer = voice.ask(ask)
        lines.append(Exchange.of(ask, "some-model", answer, 0.1).model_dump_json())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
