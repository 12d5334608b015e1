"""A language model as the mind; the built-in mind does what it fails at, and says so."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from agent.endpoint.message import Ask, Message, Voice
from agent.fence import fenced
from agent.minds.language_model.answers import (
    MOST_QUERIES,
    MOST_QUERY,
    ModelReading,
    Queries,
    query_faults,
    reading_faults,
)
from agent.minds.language_model.briefing import about, known_so_far
from agent.minds.language_model.dialogue import Dialogue
from agent.minds.language_model.exploring import exploration
from agent.minds.language_model.own import Examiner, plan_of
from agent.minds.language_model.prompt import listed, prompt
from agent.minds.language_model.proposing import Proposer, open_for
from agent.minds.language_model.standby import Standby
from agent.minds.language_model.tool_loop import Limits, converse, without_system
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
from papers.review.advice import Opinion
from sandbox.errors import BudgetSpent, MindFailed, ReplyUnusable, RequestTooLong
from sandbox.records import DecisionLine, short_id

if TYPE_CHECKING:
    from agent.budget import Spend
    from agent.lab import Lab
    from agent.minds.language_model.writing import Author
    from agent.minds.reviews import ReviewRequest
    from agent.settings import Settings
    from agent.toolbox import Toolbox
    from papers.draft import Prose
    from papers.review.advice import Advice
    from papers.review.finding import Finding

WRITING_S, WRITING_SHARE = 600.0, 0.4
"""Of the wall time, what is kept for a report that a model writes: so much, or that share."""
BUILD_S = 40.0
"""Of that, what building and reviewing the paper takes."""
LETTERS_A_TOKEN, TALK_SHARE = 3, 0.35
"""Of a model's context, the share that a conversation with tools may fill."""
PAPER_SHARE = 0.5
"""And the share that a paper may, which it reviews."""


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
            "survey",
            lambda: self._queries(request),
            lambda: self._builtin.survey(request),
            spent_ends=False,
        )

    def propose(self, request: ProposeRequest) -> Proposals:
        """The gate first, always; then the topic's wishes and the model's ideas."""
        open_ = open_for(request)
        if are_gate(open_) or request.room < 1:
            return self._builtin.propose(request)
        return self._here.standby.either(
            "proposals",
            lambda: self._proposed(request),
            lambda: self._builtin.propose(request),
            spent_ends=False,
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
            "interpretation",
            lambda: self._read(request),
            lambda: self._builtin.interpret(request),
            spent_ends=False,
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
        for advice in request.advice:
            if advice.severity != "minor" or advice.where in found:
                found.setdefault(advice.where, []).append(f"{advice.what} ({advice.fix})")
        return self._author().revise(request.round, request.prose, found)

    def review(self, request: ReviewRequest) -> Opinion:
        """What the model would have mended; without it there is no opinion, and that is said."""
        return self._here.standby.tried(
            lambda: Opinion(author=self.name, findings=self._advice(request)),
            lambda why: Opinion(author=self.name, missing=why),
        )

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
        reply = self._here.dialogue.sound("survey", "propose", said, Queries, query_faults)
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
        try:
            return proposer.propose(talk)
        except RequestTooLong as error:
            self._without_talk(request.round, error)
            return proposer.propose(())

    def _talk(self, request: ProposeRequest) -> tuple[Message, ...]:
        """What the model found out with tools before it proposes."""
        here = self._here
        stage = f"propose-{request.round}"
        said = exploration(request, open_for(request))
        turns = (*here.dialogue.opening(), Message("user", said))
        ask = Ask(f"explore-{request.round}", "code", turns)
        context = self._settings.endpoint.context
        limits = Limits(letters_in_all=int(LETTERS_A_TOKEN * TALK_SHARE * context))
        try:
            talk = converse(here.dialogue.voice, ask, here.toolbox(stage), limits)
        except (ReplyUnusable, RequestTooLong) as error:
            self._without_talk(request.round, error)
            return ()
        return without_system(talk.messages)

    def _without_talk(self, round_: int, error: MindFailed) -> None:
        """Record that the model proposes without having looked around; its tools' work is kept."""
        what = f"not used: what the language model found out before round {round_}"
        id = short_id([what, error.what])
        line = DecisionLine(id=id, what=what, chosen=("nothing",), why=error.what)
        self._here.lab.ledger.append(line)

    def _read(self, request: InterpretRequest) -> Reading:
        said = prompt(
            "interpret",
            question=fenced("The person's topic", request.question),
            subject=about(request.subject),
            known=listed(known_so_far(request.known)),
            room=str(request.room),
        )
        key = f"interpret-{request.round}"
        reply = self._here.dialogue.sound(key, "propose", said, ModelReading, reading_faults)
        return Reading(again=reply.again, why=f"the language model: {reply.why}")

    def _advice(self, request: ReviewRequest) -> tuple[Advice, ...]:
        from agent.minds.language_model.reviewing import Reviewer

        if self._writing_s() <= 0:
            raise BudgetSpent("the time for writing is over", "raise budget.wall")
        letters = int(LETTERS_A_TOKEN * PAPER_SHARE * self._settings.endpoint.context)
        return Reviewer(self._here.dialogue, request, letters).advice()

    def _author(self) -> Author:
        from agent.minds.language_model.writing import author_in

        return author_in(self._here, self._writing_s)

    def _writing_s(self) -> float:
        """Seconds in which the model may still be asked to write: what is built takes the rest."""
        budget = self._here.lab.budget
        return budget.seconds_left() - min(BUILD_S, budget.report_s / 2)


def _section(finding: Finding) -> str:
    """The section's label of a place such as "sec:results, paragraph 2: '...'"."""
    found = re.match(r"abstract|sec:[\w-]+", finding.where)
    return found.group(0) if found else ""
