"""How to run: one frozen Settings (defaults < hanji.toml < topic < environment < flags)."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agent.budget import Spend
from agent.endpoint.endpoint import Endpoint
from agent.quantities import Duration
from agent.topic import Topic
from sandbox.errors import BadInput
from tools.literature.arxiv import URL

FROM_TOPIC = ("seed", "mind", "language")
OF_ENDPOINT: Mapping[str, tuple[str, ...]] = {
    "base_url": ("HANJI_BASE_URL", "OPENAI_BASE_URL"),
    "model": ("HANJI_MODEL",),
}
"""Fields of the endpoint that have a flag, and their variables, strongest first."""


def _cores() -> int:
    return max(1, len(os.sched_getaffinity(0)))


def _cache() -> Path:
    return Path.home() / ".cache" / "hanji"


class Settings(BaseModel):
    """Resolved settings; recorded in run.json.

    budget: a wall time that overrides the topic's, 0 for none. workers: trials that run at once.
    script: the file of the scripted mind. arxiv: where arXiv's queries are answered, or a mirror of
    it. endpoint: where a language model is asked. replay: a recording that answers in its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    runs: Path = Path("runs")
    seed: int = Field(default=0, ge=0)
    budget: Duration = 0.0
    mind: str = "playbook"
    script: str = ""
    sandbox: str = "bubblewrap"
    language: Literal["en", "ko"] = "en"
    workers: int = Field(default_factory=_cores, ge=1, le=256)
    cache: Path = Field(default_factory=_cache)
    arxiv: str = Field(default=URL, pattern=r"^https?://")
    endpoint: Endpoint = Endpoint()
    replay: str = ""

    @property
    def experts(self) -> Path:
        """Where trained models are kept between runs.

        Each level of confinement has its own: a run that is confined takes over no training that
        was not, and a paper names one level.
        """
        return self.cache / "experts" / self.sandbox

    def caps(self, topic: Topic) -> Spend:
        """The budget's caps for this topic."""
        asked = topic.budget
        return Spend(
            wall_s=self.budget or asked.wall,
            trials=asked.trials,
            cpu_s=asked.cpu,
            gpu_s=asked.gpu,
            disk_bytes=asked.disk,
            tokens=asked.tokens,
            dollars=asked.dollars,
        )

    def facts(self) -> dict[str, JsonValue]:
        """As JSON, for run.json."""
        return self.model_dump(mode="json")


def read_settings(
    topic: Topic | None = None,
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path = Path("hanji.toml"),
) -> Settings:
    """Merge all sources, strongest last. A flag that is None was not given.

    Raises BadInput naming the source.
    """
    known = set(Settings.model_fields)
    layers: dict[str, Mapping[str, object]] = {
        str(file): _file(file),
        "the topic": _of_topic(topic),
        "the environment": _environment(os.environ if environment is None else environment),
        "the flags": _flags(flags or {}),
    }
    merged: dict[str, object] = {}
    for source, layer in layers.items():
        unknown = sorted(set(layer) - known)
        if unknown:
            raise BadInput(
                f"{source}: unknown setting {unknown[0]!r}", f"known: {', '.join(sorted(known))}"
            )
        below = merged.get("endpoint")
        merged |= layer
        above = layer.get("endpoint")
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            merged["endpoint"] = {**below, **above}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        source = next(s for s, layer in reversed(layers.items()) if name in layer)
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{source}: {where}: {said}", "see `hanji run --help`") from error


def _file(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(
            f"{path} is not TOML: {error}", "write lines such as runs = 'runs'"
        ) from error


def _of_topic(topic: Topic | None) -> dict[str, object]:
    if topic is None:
        return {}
    given = topic.model_fields_set
    return {name: getattr(topic, name) for name in FROM_TOPIC if name in given}


def _flags(flags: Mapping[str, object]) -> dict[str, object]:
    """Those that were given, the endpoint's together."""
    given = {name: value for name, value in flags.items() if value is not None}
    fields = {name: given.pop(name) for name in OF_ENDPOINT if name in given}
    whole = given.get("endpoint", {})
    if fields and isinstance(whole, Mapping):
        given["endpoint"] = {**whole, **fields}
    return given


def _environment(environment: Mapping[str, str]) -> dict[str, object]:
    """HANJI_* variables whose name is a setting; others belong to other programs."""
    found: dict[str, object] = {
        name: environment[key]
        for name in Settings.model_fields
        if name != "endpoint" and (key := f"HANJI_{name.upper()}") in environment
    }
    endpoint = {
        name: next(value for key in keys if (value := environment.get(key)))
        for name, keys in OF_ENDPOINT.items()
        if any(environment.get(key) for key in keys)
    }
    return found | ({"endpoint": endpoint} if endpoint else {})
