"""A language model as the mind; the built-in mind does what it fails at, and says so."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent.endpoint.message import Ask, Message, Voice
from agent.fence import fenced
from agent.minds.language_model.briefing import about, known_so_far
from agent.minds.language_model.dialogue import Dialogue
from agent.minds.language_model.own import Examiner, plan_of
from agent.minds.language_model.prompt import listed, prompt
from agent.minds.language_model.proposing import MOST_WHY, Proposer, open_for
from agent.minds.language_model.standby import Standby
from agent.minds.language_model.tool_loop import Limits, converse, without_system
from agent.minds.language_model.wording import numbers
from agent.minds.mind import (
    ActRequest,
    Call,
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
)
from agent.minds.playbook.playbook import are_gate
from agent.minds.playbook.relations import FRESH
from sandbox.errors import MindFailed

if TYPE_CHECKING:
    from agent.budget import Spend
    from agent.lab import Lab
    from agent.minds.language_model.writing import Author
    from agent.settings import Settings
    from agent.toolbox import Toolbox
    from papers.draft import Prose
    from papers.review.finding import Finding

MOST_QUERIES, MOST_QUERY = 8, 200
WRITING_S, WRITING_SHARE = 600.0, 0.4
"""Of the wall time, what is kept for a report that a model writes: so much, or that share."""
BUILD_S = 40.0
"""Of that, what building and reviewing the paper takes."""
LETTERS_A_TOKEN, TALK_SHARE = 3, 0.35
"""Of a model's context, the share that a conversation with tools may fill."""


class Queries(BaseModel):
    """Queries for a library of papers: a few words each."""

    model_config = ConfigDict(extra="forbid")

    queries: list[str] = Field(min_length=1, max_length=MOST_QUERIES)


class ModelReading(BaseModel):
    """Whether a further round of hypotheses would teach something, and why."""

    model_config = ConfigDict(extra="forbid")

    again: bool
    why: str


@dataclass(frozen=True)
class Attended:
    """The lab that the mind works in, and its voice there."""

    lab: Lab
    dialogue: Dialogue
    standby: Standby
    toolbox: Callable[[str], Toolbox]


class LanguageModel:
    """Proposes, interprets and writes with a model; everything it says is checked as a stranger's.

    Gates, plans, seeds, tests and trials are never its own: it names what is compared.
    """

    name = "language-model"
    description = "a language model, and the built-in mind for what the model fails at"

    def __init__(
        self,
        settings: Settings,
        builtin: Mind,
        voice: Callable[[Lab], Voice],
        toolbox: Callable[[Lab, str], Toolbox],
    ) -> None:
        self._settings = settings
        self._builtin = builtin
        self._voice = voice
        self._toolbox = toolbox
        self._there: Attended | None = None

    def facts(self) -> Mapping[str, JsonValue]:
        """Model and host, without the key."""
        from agent.minds.language_model.voice import told_of

        return told_of(self._settings)

    def check(self, caps: Spend) -> None:
        """Raise BadInput where no request could be paid for."""
        from agent.minds.language_model.voice import check_voice

        check_voice(self._settings, os.environ, caps)

    def attend(self, lab: Lab) -> None:
        """Open the voice; the report of a model takes longer than that of templates."""
        wall_s = lab.budget.caps.wall_s
        lab.budget.report_s = max(lab.budget.report_s, min(WRITING_S, WRITING_SHARE * wall_s))
        self._there = Attended(
            lab,
            Dialogue(self._voice(lab)),
            Standby(lab.ledger),
            lambda stage: self._toolbox(lab, stage),
        )

    def survey(self, request: SurveyRequest) -> Calls:
        """The question itself and the model's own queries."""
        return self._here.standby.either(
            "survey", lambda: self._queries(request), lambda: self._builtin.survey(request)
        )

    def propose(self, request: ProposeRequest) -> Proposals:
        """The gate first, always; then the topic's wishes and the model's ideas."""
        open_ = open_for(request)
        if are_gate(open_) or request.room < 1:
            return self._builtin.propose(request)
        return self._here.standby.either(
            "proposals", lambda: self._proposed(request), lambda: self._builtin.propose(request)
        )

    def design(self, request: DesignRequest) -> Designs:
        """Plans: the catalogue's, and those of the model's own hypotheses as it proposed them."""
        own = [line for line in request.hypotheses if line.id in request.contrasts]
        rest = tuple(line for line in request.hypotheses if line not in own)
        plans = list(self._builtin.design(replace(request, hypotheses=rest)).experiments)
        for line in own:
            fresh = line.relation in FRESH or line.id in request.refusals
            seeds = request.fresh if fresh else request.seeds
            if seeds:
                plans.append(plan_of(line, request.contrasts[line.id], request, seeds))
        return Designs(experiments=tuple(plans))

    def act(self, request: ActRequest) -> Calls:
        """Every planned call: nothing is to be decided here."""
        return self._builtin.act(request)

    def interpret(self, request: InterpretRequest) -> Reading:
        """Whether the model expects to learn more; room and budget are asked before it is."""
        return self._here.standby.either(
            "interpretation", lambda: self._read(request), lambda: self._builtin.interpret(request)
        )

    def write(self, request: WriteRequest) -> Prose:
        """The paper's prose, part by part."""
        return self._author().write()

    def revise(self, request: ReviseRequest) -> Prose:
        """The model's parts in which something was found, written anew; the rest as it is."""
        found: dict[str, list[str]] = {}
        for finding in request.findings:
            if finding.severity != "minor" and (place := _section(finding)):
                found.setdefault(place, []).append(f"{finding.what} ({finding.fix})")
        return self._author().revise(request.round, request.prose, found)

    @property
    def _here(self) -> Attended:
        if self._there is None:
            raise MindFailed("the language model was not told where it works", "call attend first")
        return self._there

    def _queries(self, request: SurveyRequest) -> Calls:
        said = prompt(
            "survey",
            most=str(MOST_QUERIES),
            question=fenced("The person's topic", request.question),
            subject=about(request.subject),
        )
        reply = self._here.dialogue.sound("survey", "propose", said, Queries, _query_faults)
        queries = dict.fromkeys((request.question, *(" ".join(q.split()) for q in reply.queries)))
        return Calls(
            calls=tuple(
                Call(tool="search_literature", arguments={"query": q[:MOST_QUERY]}) for q in queries
            )
        )

    def _proposed(self, request: ProposeRequest) -> Proposals:
        here = self._here
        talk = self._talk(request)
        # what the model wrote while it talked belongs to the subject from then on
        request = replace(request, subject=here.lab.subject)
        examiner = Examiner(
            request,
            here.lab.ledger,
            here.lab.folder,
            here.lab.library,
            here.lab.topic.alpha,
            here.lab.topic.hypotheses,
        )
        proposer = Proposer(here.dialogue, request, examiner, here.lab.library, open_for(request))
        return proposer.propose(talk)

    def _talk(self, request: ProposeRequest) -> tuple[Message, ...]:
        """What the model found out with tools before it proposes."""
        here = self._here
        stage = f"propose-{request.round}"
        said = prompt(
            "explore",
            question=fenced("The person's topic", request.question),
            subject=about(request.subject),
            known=listed(known_so_far(request.known)),
        )
        turns = (*here.dialogue.opening(), Message("user", said))
        ask = Ask(f"explore-{request.round}", "code", turns)
        context = self._settings.endpoint.context
        limits = Limits(letters_in_all=int(LETTERS_A_TOKEN * TALK_SHARE * context))
        talk = converse(here.dialogue.voice, ask, here.toolbox(stage), limits)
        return without_system(talk.messages)

    def _read(self, request: InterpretRequest) -> Reading:
        said = prompt(
            "interpret",
            question=fenced("The person's topic", request.question),
            subject=about(request.subject),
            known=listed(known_so_far(request.known)),
            room=str(request.room),
        )
        key = f"interpret-{request.round}"
        reply = self._here.dialogue.sound(key, "propose", said, ModelReading, _reading_faults)
        return Reading(again=reply.again, why=f"the language model: {reply.why}")

    def _author(self) -> Author:
        from agent.minds.language_model.writing import author_in

        here = self._here
        budget = here.lab.budget
        build_s = min(BUILD_S, budget.report_s / 2)
        return author_in(here, lambda: budget.seconds_left() - build_s)


def _section(finding: Finding) -> str:
    """The section's label of a place such as "sec:results, paragraph 2: '...'"."""
    found = re.match(r"abstract|sec:[\w-]+", finding.where)
    return found.group(0) if found else ""


def _query_faults(reply: Queries) -> Sequence[str]:
    return [
        f"a query has from two to {MOST_QUERY} printable characters: {query[:60]!r}"
        for query in reply.queries
        if not 2 <= len(query.strip()) <= MOST_QUERY or not query.isprintable()
    ]


def _reading_faults(reply: ModelReading) -> Sequence[str]:
    faults = [f"why: {n!r} is a number that somebody typed" for n in numbers(reply.why)[:2]]
    if not reply.why.strip() or len(reply.why) > MOST_WHY:
        faults.append(f"say why in at most {MOST_WHY} characters")
    return faults
