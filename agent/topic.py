"""The question a person asks, with models, tasks, budget: one YAML file or one sentence."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from agent.coherence import OF_ARCHITECTURES, OF_MERGING, check_coherent
from agent.own_code import FAMILIES, MOST, code_of
from agent.quantities import Bytes, Duration
from sandbox.errors import BadInput
from sandbox.records import CODE_FOLDERS
from tools.subject import Subject

EVALUATIONS = {"standard": 300, "quick": 60}
DEFAULTS: Mapping[object, Mapping[str, object]] = {
    "architectures": {"first": (), "profile": "quick"},
}
"""By domain, where it differs. Two cores take hours for the standard size of architectures."""
TELLING = frozenset({"domain", *OF_ARCHITECTURES, *OF_MERGING})
"""Fields that are of one domain, beside `first`."""


class Entry(BaseModel):
    """A part of a topic file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetEntry(Entry):
    """Caps as the topic names them; what is left out keeps its default."""

    wall: Duration = Field(default=900.0, gt=0)
    trials: int = Field(default=2000, ge=1)
    cpu: Duration = Field(default=24 * 3600.0, gt=0)
    gpu: Duration = 0.0
    tokens: int = Field(default=1_000_000, ge=0)
    dollars: float = Field(default=0.0, ge=0)
    disk: Bytes = Field(default=4 << 30, gt=0)


class ModelEntry(Entry):
    """A model the person brought: a folder or a hub id, its part, and what it is good at."""

    path: str
    role: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    label: str = ""
    kind: Literal["parent", "reference"] = "parent"
    skilled_in: tuple[str, ...] = ()


class TaskEntry(Entry):
    """A JSONL file of items. The first task is the one that the topic asks about."""

    file: str
    name: str = Field(pattern=r"^[a-z][a-z0-9.-]*$")
    kind: Literal["exact_match", "multiple_choice"] = "exact_match"
    label: str = ""
    description: str = ""
    answer_tokens: int = Field(default=1_000_000, ge=0)


class Topic(Entry):
    """What is asked for.

    All but the question have defaults; no models means the built-in specialists. seeds: how many
    paired seeds; 0 lets the test decide. hypotheses: size of the family over which the tests are
    corrected, fixed before the first trial. first: hypothesis families to test before all others;
    the mind chooses those. title: for the paper, the question when empty. profile: of the built-in
    specialists, or the size of the sequence tasks. evaluations: of each search, 0 for the profile's
    own. domain: what the question speaks of, when left out. sequence_tasks: that architectures are
    trained on, the primary one first; empty for the usual ones and those that the question's
    families need. blocks, methods, objectives, task_files: Python files, each with a block, a merge
    method, a training objective or a sequence task that is not built in. secret: what the test
    sequences of architectures are drawn with beside the seed; a run draws its own and keeps it
    here, in its copy of the topic, where no trial sees it. memory: cite what the runs beside this
    one answered, and do not ask it again. repeat: cite it, and ask again. literature: BibTeX files,
    PDFs and folders of both. network: arXiv may be asked, which tells it what the hypotheses are
    about.
    """

    question: str = Field(min_length=8)
    domain: Literal["merging", "architectures"] = "merging"
    models: tuple[ModelEntry, ...] = ()
    base: str = ""
    tasks: tuple[TaskEntry, ...] = ()
    seeds: int = Field(default=0, ge=0, le=64)
    hypotheses: int = Field(default=8, ge=1, le=32)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    first: tuple[str, ...] = ("composition",)
    budget: BudgetEntry = Field(default_factory=BudgetEntry)
    mind: str = "playbook"
    language: Literal["en", "ko"] = "en"
    profile: Literal["standard", "quick", "long"] = "standard"
    seed: int = Field(default=0, ge=0)
    title: str = ""
    evaluations: int = Field(default=0, ge=0, le=5000)
    sequence_tasks: tuple[str, ...] = ()
    blocks: tuple[str, ...] = Field(default=(), max_length=MOST)
    methods: tuple[str, ...] = Field(default=(), max_length=MOST)
    objectives: tuple[str, ...] = Field(default=(), max_length=MOST)
    task_files: tuple[str, ...] = Field(default=(), max_length=MOST)
    secret: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    literature: tuple[str, ...] = ()
    network: bool = False
    memory: bool = False
    repeat: bool = False

    _guessed: bool = PrivateAttr(default=False)

    @property
    def guessed(self) -> str:
        """What to tell a person who named no domain; empty where one was named."""
        other = "merging" if self.domain == "architectures" else "architectures"
        said = f"domain: {self.domain}, by the words of the question; `domain: {other}` in a topic "
        return f"{said}file (`hanji init`) sets the other" if self._guessed else ""

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_domain(cls, data: object) -> object:
        if not isinstance(data, dict) or not isinstance(data.get("domain", ""), str):
            return data
        defaults = dict(DEFAULTS.get(data.get("domain"), {}))
        asked = [
            name
            for seam, folder in CODE_FOLDERS.items()
            if isinstance(files := data.get(folder), list | tuple)
            for name in FAMILIES[seam][: len(files)]
        ]
        return {**defaults, **({"first": tuple(asked)} if asked else {}), **data}

    def evaluations_for(self, subject: Subject) -> int:
        """Dev evaluations of each search: as asked, or what the subject's size allows."""
        if self.evaluations:
            return self.evaluations
        return EVALUATIONS["quick" if self.profile == "quick" else "standard"]


def read_topic(text: str | Path) -> Topic:
    """A topic from a YAML file, or from one sentence. Raises BadInput."""
    path = Path(text)
    if isinstance(text, Path) or path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise BadInput(
                f"topic file {path} does not exist", "`hanji init` writes a commented one"
            )
        return topic_from(_yaml(path), path.parent, path.name)
    return topic_from({"question": str(text)}, Path.cwd(), "the question")


def demo_topic() -> Topic:
    """The built-in topic of `hanji demo`."""
    folder = Path(__file__).parent
    return topic_from(_yaml(folder / "demo_topic.yaml"), folder, "demo_topic.yaml")


def topic_from(data: object, folder: Path, name: str) -> Topic:
    """A checked topic. Relative paths are relative to `folder`.

    Raises BadInput naming the field.
    """
    if not isinstance(data, dict):
        raise BadInput(f"{name}: expected fields such as `question: ...`", "see `hanji init`")
    told = _with_told_domain(data)
    try:
        topic = Topic.model_validate(_with_guessed_domain(told))
    except ValidationError as error:
        raise _complaint(error, name) from error
    topic._guessed = TELLING.isdisjoint(told)
    check_coherent(topic, name)
    return _anchored(topic, folder)


def subject_of(topic: Topic) -> Subject:
    """The topic's models and tasks, checked: the built-in ones or the person's own.

    Raises BadInput, UnknownName.
    """
    if topic.domain == "architectures":
        from tools.architectures.subject import ArchitectureSuite

        return ArchitectureSuite(
            topic.profile, _sequence_tasks(topic), topic.secret, code_of(topic)
        )
    if not topic.models:
        from tools.merging.miniature import Miniature

        return Miniature(topic.profile, code_of(topic), topic.secret)
    from tools.merging.own_models import OwnModels

    return OwnModels(topic.models, topic.base, topic.tasks, code_of(topic))


def settled(topic: Topic, writes: bool = False) -> Topic:
    """The topic with what a run decides once: its tasks, and a secret that test items need.

    writes: whether the mind may write code. Items that a seed draws need a secret where code that
    is not of the product runs beside it; merges by built-in methods share their trained models
    between runs instead.
    """
    secret = topic.secret or secrets.token_hex(16)
    if topic.domain != "architectures":
        hides = not topic.models and (writes or bool(topic.methods))
        return topic.model_copy(update={"secret": secret}) if hides else topic
    return topic.model_copy(update={"secret": secret, "sequence_tasks": _sequence_tasks(topic)})


def _sequence_tasks(topic: Topic) -> tuple[str, ...]:
    from agent.minds.playbook.scope import tasks_for

    return topic.sequence_tasks or tasks_for(topic.question, topic.first, topic.profile)


def _with_told_domain(data: dict[str, object]) -> dict[str, object]:
    """The domain of the first known family that `first` names, where no other field tells it."""
    from agent.minds.playbook.family import all_families

    asked = data.get("first")
    if not isinstance(asked, list | tuple) or not TELLING.isdisjoint(data):
        return data
    known = all_families()
    about = [known[name].domain for name in asked if isinstance(name, str) and name in known]
    return {**data, "domain": about[0]} if about else data


def _with_guessed_domain(data: dict[str, object]) -> dict[str, object]:
    """What the question speaks of, where no field tells the domain."""
    from agent.minds.playbook.scope import domain_of

    question = data.get("question")
    if not isinstance(question, str) or not TELLING.isdisjoint(data):
        return data
    return {**data, "domain": domain_of(question)}


def _anchored(topic: Topic, folder: Path) -> Topic:
    """Paths that exist next to the topic file become absolute; anything else may be a hub id."""

    def place(path: str) -> str:
        return str((folder / path).resolve()) if path and (folder / path).exists() else path

    models = tuple(m.model_copy(update={"path": place(m.path)}) for m in topic.models)
    tasks = tuple(t.model_copy(update={"file": place(t.file)}) for t in topic.tasks)
    code = {
        kind: tuple(str((folder / file).resolve()) for file in getattr(topic, kind))
        for kind in CODE_FOLDERS.values()
    }
    return topic.model_copy(
        update={
            "models": models,
            "tasks": tasks,
            "base": place(topic.base),
            "literature": tuple(str((folder / file).resolve()) for file in topic.literature),
            **code,
        }
    )


def _yaml(path: Path) -> object:
    try:
        data: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        return data
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path.name} is not YAML: {reason}", "see `hanji init`") from error


def _complaint(error: ValidationError, name: str) -> BadInput:
    """The first thing wrong, in one sentence, with the nearest known field."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _fields_at(first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        fix = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return BadInput(f"{name}: unknown field {where!r}", fix)
    return BadInput(
        f"{name}: {where}: {first['msg'].removeprefix('Value error, ')}", "see `hanji init`"
    )


def _fields_at(place: tuple[int | str, ...]) -> list[str]:
    kinds: dict[str, type[BaseModel]] = {
        "budget": BudgetEntry,
        "models": ModelEntry,
        "tasks": TaskEntry,
    }
    return list(kinds.get(str(place[0]) if place else "", Topic).model_fields)
