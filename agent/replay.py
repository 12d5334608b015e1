"""To repeat a run from its recording: where the recording is, and what its run was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.settings import OF_ENDPOINT, Settings
from agent.shelf import find_run
from agent.topic import Topic, read_topic
from sandbox.errors import BadInput

LANGUAGE_MODEL = "language-model"
AS_RECORDED = ("seed", "mind", "language", "budget", "endpoint")


def from_recording(
    topic: Topic | None, flags: Mapping[str, object], folders: Sequence[Path]
) -> tuple[Topic, dict[str, object]]:
    """What to research and the flags to do it with, where `replay` may name a recording.

    Without a topic it is the recorded run's, with that run's settings. Raises BadInput.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if "replay" in given:
        recording = find_recording(str(given["replay"]), folders)
        given["replay"] = str(recording)
        if topic is None:
            topic, began = asked_in(recording)
            given = began | given
    if topic is None:
        raise BadInput("no topic is named", "name a topic file, or ask a question")
    return topic, given


def check_is_asked(settings: Settings, flags: Mapping[str, object]) -> None:
    """Raise BadInput for an option that the mind would pass over in silence."""
    vain = [name for name in (*OF_ENDPOINT, "replay") if flags.get(name) is not None]
    if vain and settings.mind != LANGUAGE_MODEL:
        raise BadInput(
            f"--{vain[0].replace('_', '-')} is for a language model, and the mind is "
            f"{settings.mind!r}",
            f"add --mind {LANGUAGE_MODEL}",
        )


def find_recording(name: str, folders: Sequence[Path]) -> Path:
    """A cassette's file, a folder, or a run by any of its names. Raises BadInput."""
    path = Path(name)
    return path.resolve() if path.exists() else find_run(name, *folders)


def asked_in(recording: Path) -> tuple[Topic, dict[str, object]]:
    """The topic and the settings that shape results, of the run that holds the recording.

    Raises BadInput when it is no run.
    """
    try:
        facts = json.loads((recording / "run.json").read_text(encoding="utf-8"))
        began = Settings.model_validate(facts["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{recording.name} does not say what its run was asked", "name the topic file as well"
        ) from error
    kept = began.model_dump(mode="json", include=set(AS_RECORDED))
    return read_topic(recording / "topic.yaml"), kept
