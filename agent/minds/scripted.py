"""A mind that follows a script: for tests, and to repeat by hand what another mind did.

The script is YAML or JSON: request -> replies.

survey:    {calls: [{tool: search_literature, arguments: {query: merging}}]} propose:
[{hypotheses: [...]}, {hypotheses: []}]     one a round; nothing after the last design:    {"Title
of a hypothesis": {arms: [...], seeds: [...], test: {...}}} act:       [{calls: [...]}]
one a round interpret: [{again: false, why: "..."}]                one a round write:     {title:
..., ...}                           the fields of papers.draft.Prose otherwise: playbook
the mind that answers what the script leaves out
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agent.minds.mind import (
    ActRequest,
    Calls,
    DesignRequest,
    Designs,
    InterpretRequest,
    Mind,
    Proposals,
    ProposeRequest,
    Reading,
    ReviseRequest,
    SurveyRequest,
    WriteRequest,
    find_mind,
    mind,
)
from sandbox.errors import BadInput, MindFailed
from tools.experiment import Experiment

if TYPE_CHECKING:
    from agent.settings import Settings
    from papers.draft import Prose

R = TypeVar("R", bound=BaseModel)


class Script(BaseModel):
    """The script's shape."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    survey: Calls | None = None
    propose: tuple[Proposals, ...] | None = None
    design: dict[str, dict[str, JsonValue]] | None = None
    act: tuple[Calls, ...] | None = None
    interpret: tuple[Reading, ...] | None = None
    write: dict[str, JsonValue] | None = None
    otherwise: str = Field(default="", pattern="^(|playbook)$")


class Scripted:
    """Answers from a script; asks the mind named by `otherwise` for the rest."""

    name = "scripted"
    description = "replies from a script"

    def __init__(self, script: Script, other: Mind | None) -> None:
        self._script = script
        self._other = other

    def survey(self, request: SurveyRequest) -> Calls:
        """The script's searches."""
        return self._script.survey or self._rest("survey").survey(request)

    def propose(self, request: ProposeRequest) -> Proposals:
        """The round's hypotheses, none after the last round of the script."""
        if self._script.propose is None:
            return self._rest("propose").propose(request)
        return _of_round(self._script.propose, request.round, Proposals(why="the script ends"))

    def design(self, request: DesignRequest) -> Designs:
        """The plans that the script holds by title; the others are left to the other mind."""
        if self._script.design is None:
            return self._rest("design").design(request)
        bodies = self._script.design
        plans = [
            _experiment(bodies[line.title], line.id, request.subject.name)
            for line in request.hypotheses
            if line.title in bodies
        ]
        return Designs(experiments=tuple(plans))

    def act(self, request: ActRequest) -> Calls:
        """The round's calls."""
        if self._script.act is None:
            return self._rest("act").act(request)
        return _of_round(self._script.act, request.round, Calls())

    def interpret(self, request: InterpretRequest) -> Reading:
        """Whether the script goes on."""
        if self._script.interpret is None:
            return self._rest("interpret").interpret(request)
        ends = Reading(again=False, why="the script ends")
        return _of_round(self._script.interpret, request.round, ends)

    def write(self, request: WriteRequest) -> Prose:
        """The script's prose."""
        from papers.draft import Prose

        if self._script.write is None:
            return self._rest("write").write(request)
        return Prose.model_validate(self._script.write)

    def revise(self, request: ReviseRequest) -> Prose:
        """A script has one text."""
        return request.prose

    def _rest(self, request: str) -> Mind:
        if self._other is None:
            raise MindFailed(
                f"the script has no reply to {request!r}", "add one, or `otherwise: playbook`"
            )
        return self._other


@mind("scripted")
def scripted(settings: Settings) -> Scripted:
    """The mind of the script that `script` names (HANJI_SCRIPT). Raises BadInput."""
    if not settings.script:
        raise BadInput("the scripted mind needs a script", "set HANJI_SCRIPT to its file")
    script = read_script(Path(settings.script))
    other = find_mind(script.otherwise, settings) if script.otherwise else None
    return Scripted(script, other)


def read_script(path: Path) -> Script:
    """A checked script. Raises BadInput naming the field."""
    try:
        return Script.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise BadInput(f"script {path}: {error.strerror}", "name a YAML file") from error
    except yaml.YAMLError as error:
        raise BadInput(f"script {path.name} is not YAML", str(error).split("\n")[0]) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"script {path.name}: {where}: {first['msg']}", "see scripted.py") from error


def _of_round(replies: tuple[R, ...], round_: int, after: R) -> R:
    return replies[round_ - 1] if round_ <= len(replies) else after


def _experiment(body: dict[str, JsonValue], hypothesis: str, subject: str) -> Experiment:
    try:
        return Experiment.model_validate({"hypothesis": hypothesis, "subject": subject, **body})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MindFailed(
            f"the script's plan: {where}: {first['msg']}", "mend the script"
        ) from error
