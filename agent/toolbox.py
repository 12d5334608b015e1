"""The tools that a model may call while it thinks: every call checked, bounded, kept and logged.

What a tool refuses is told to the model as one sentence; what breaks is raised. A call that was
answered under its key is answered with the same words again, so a resumed run goes on from there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol, cast

from pydantic import BaseModel, ConfigDict, JsonValue

from agent.calls import Status, log_call
from agent.fence import bounded, fenced
from agent.lab import Lab
from agent.lab_tools import LAB_TOOLS, Said
from agent.minds.mind import Call
from agent.plots import keep_plot
from agent.replies import Replies
from sandbox.errors import (
    BadInput,
    CannotResume,
    HanjiError,
    LedgerBroken,
    SandboxUnavailable,
    UnknownName,
)
from sandbox.records import digest_of, short_id
from tools.actions.plot import Plot, Plotted
from tools.desk import Desk
from tools.own_code import seams_of
from tools.tool import Tool, all_tools

LONGEST_ARGUMENTS = 256 << 10
LONGEST_ANSWER = 16_000
LONGEST_LOGGED, LONGEST_SUMMARY = 2000, 400
FOLDER = "calls"
BEFORE_A_PLAN = ("propose", "design")
"""Stages in which a model may write code, run pilots and ask for plots; else it may only read."""
_OURS = (CannotResume, LedgerBroken, SandboxUnavailable)
"""Of the errors that Hanji raises on purpose, those that no model can mend."""


class Toolbox(Protocol):
    """What a model may call."""

    def schemas(self) -> tuple[Mapping[str, JsonValue], ...]:
        """Function schemas, as servers expect them."""
        ...

    def call(self, name: str, arguments_json: str, key: str) -> str:
        """What the model is told; for a wrong call, one sentence. key: names it in the run."""
        ...


class Kept(BaseModel):
    """An answer on disk. asked: digest of the name and the arguments as they were written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: str
    told: str


class LabToolbox:
    """The run's own tools, for one stage."""

    def __init__(self, lab: Lab, stage: str) -> None:
        self._lab = lab
        self._stage = stage
        self._tools = {tool.name: tool for tool in _offered(lab, stage)}

    def schemas(self) -> tuple[Mapping[str, JsonValue], ...]:
        """Of every tool that this stage has."""
        return tuple(
            cast("Mapping[str, JsonValue]", tool.schema()) for tool in self._tools.values()
        )

    def call(self, name: str, arguments_json: str, key: str) -> str:
        """See Toolbox. Raises Stopped, and what no model can mend."""
        replies = Replies(self._lab.folder / FOLDER)
        asked = digest_of([name.encode(errors="replace").decode(), _text(arguments_json)])
        file = _file(self._stage, key)
        kept = replies.recall(
            file, Kept, lambda: Kept(asked=asked, told=self._answer(name, arguments_json, key))
        )
        if kept.asked != asked:
            raise CannotResume(f"{file} answers another call", "start a new run")
        return kept.told

    def _answer(self, name: str, arguments_json: str, key: str) -> str:
        self._lab.check_stop()
        arguments: dict[str, JsonValue] = {}
        try:
            tool = self._find(name)
            arguments = _parsed(tool, arguments_json)
            status, told = self._made(tool, arguments)
        except _OURS:
            raise
        except HanjiError as error:
            status = "refused" if isinstance(error, BadInput) else "failed"
            told = bounded(" ".join(str(error).split()), LONGEST_LOGGED)
        told = bounded(told, LONGEST_ANSWER)
        call = Call(tool=_text(name)[:64], arguments=_logged(arguments, arguments_json))
        log_call(self._lab, f"{self._stage}/{key}", call, status, bounded(told, LONGEST_SUMMARY))
        return told

    def _find(self, name: str) -> Tool:
        if name not in self._tools:
            raise UnknownName("tool", _text(name)[:64], list(self._tools))
        return self._tools[name]

    def _made(self, tool: Tool, arguments: dict[str, JsonValue]) -> tuple[Status, str]:
        checked = tool.check(arguments)
        if tool.place == "lab":
            said = tool.function(checked, self._lab)
            assert isinstance(said, Said)
            return "ok" if said.ok else "failed", said.text
        found = tool.function(checked, Desk(self._lab.library, self._lab.ledger))
        if isinstance(found, Plotted):
            return "ok", keep_plot(self._lab, found)
        body = json.dumps(_without_ids(found.model_dump(mode="json")), ensure_ascii=False)
        return "ok", fenced(f"{tool.name} found", body, LONGEST_ANSWER - 500)


def _offered(lab: Lab, stage: str) -> list[Tool]:
    desk = [tool for tool in all_tools().values() if tool.place == "desk"]
    if stage.partition("-")[0] not in BEFORE_A_PLAN:
        return [tool for tool in desk if tool.arguments is not Plot]
    seams = ("", *seams_of(lab.subject))
    return desk + [found.tool for found in LAB_TOOLS if found.seam in seams]


def _parsed(tool: Tool, text: str) -> dict[str, JsonValue]:
    """The arguments as data. Raises BadInput for text that is no JSON object of a sane size."""
    if len(text) > LONGEST_ARGUMENTS:
        raise BadInput(
            f"{tool.name}: the arguments are too long", f"at most {LONGEST_ARGUMENTS} characters"
        )
    try:
        found: object = json.loads(text or "{}", parse_constant=_refuse_constant)
        json.dumps(found).encode()
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{tool.name}: the arguments are not JSON", "send one object") from error
    if not isinstance(found, dict):
        raise BadInput(f"{tool.name}: the arguments are no object", "send one, by field names")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _logged(arguments: dict[str, JsonValue], text: str) -> dict[str, JsonValue]:
    """For the ledger: a file's source by its digest, and nothing long."""
    source = arguments.get("source")
    short = dict(arguments)
    if isinstance(source, str):
        short["source"] = f"{len(source)} characters, {digest_of(_text(source))[:12]}"
    if not short or len(json.dumps(short)) > LONGEST_LOGGED:
        return {"text": _text(text)[:200], "digest": digest_of(_text(text))}
    return {_text(k): v for k, v in short.items()}


def _text(words: str) -> str:
    """Whole characters: a lone surrogate would not go into a file."""
    return words.encode("utf-8", "replace").decode()


def _without_ids(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Without the ids of evidence, which are for papers and differ from run to run."""
    if isinstance(found, dict):
        return {k: _without_ids(v) for k, v in found.items() if k != "evidence"}
    return [_without_ids(v) for v in found] if isinstance(found, list) else found


def _file(stage: str, key: str) -> str:
    """A file name for any key."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", key)[:60]
    return f"{plain}-{short_id([stage, key])}"
