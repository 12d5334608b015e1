"""The model proposes: families of the catalogue, and hypotheses of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from agent.endpoint.message import Message
from agent.fence import fenced
from agent.minds.language_model.briefing import about, keys_found, known_so_far
from agent.minds.language_model.dialogue import Dialogue
from agent.minds.language_model.exploring import arm_examples
from agent.minds.language_model.nearness import near_works
from agent.minds.language_model.own import Examiner, OwnHypothesis
from agent.minds.language_model.prompt import listed, prompt
from agent.minds.language_model.wording import plain_faults
from agent.minds.mind import Proposal, Proposals, ProposeRequest
from agent.minds.playbook.choose import LATER, OPENING, Candidate, value
from agent.minds.playbook.playbook import open_questions, proposal_of
from sandbox.errors import ReplyUnusable
from sandbox.records import DecisionLine, short_id
from tools.literature.library import Library
from tools.tool import find_tool

MOST_WHY = 600
MOST_TOLD = 40
"""Families, works and remembered answers that a prompt lists."""
SHARES = ((0.1, "cheap"), (0.35, "moderate"), (1.0, "dear"))
"""Share of what a round can afford -> its name."""
RANKS = ((0.0, "high"), (0.34, "middle"), (0.67, "low"))
"""Share of the open questions that are worth more -> its name."""


class ModelIdea(BaseModel):
    """Either a family of the catalogue, by its name, or a hypothesis of your own."""

    model_config = ConfigDict(extra="forbid")

    family: str = Field("", description="name from the catalogue, or empty")
    own: OwnHypothesis | None = None


class ModelIdeas(BaseModel):
    """What to test in this round, the most informative first, and why these."""

    model_config = ConfigDict(extra="forbid")

    ideas: list[ModelIdea] = Field(min_length=1, max_length=8)
    why: str


@dataclass
class Proposer:
    """One round of proposals."""

    dialogue: Dialogue
    request: ProposeRequest
    examiner: Examiner
    library: Library
    open: Sequence[Candidate]

    def propose(self, before: Sequence[Message]) -> Proposals:
        """What the topic asks for first, then the model's. Raises MindFailed or BudgetSpent."""
        request = self.request
        room = min(request.room, LATER if request.known else OPENING)
        first = self._affordable([c for c in self.open if c.name in request.first])[:room]
        if len(first) == room:
            asked = ", ".join(c.name for c in first)
            return Proposals(
                hypotheses=tuple(proposal_of(c) for c in first), why=f"asked for: {asked}"
            )
        reply, wrong = self.dialogue.reply(
            f"propose-{request.round}",
            "propose",
            self._asked(room - len(first), first),
            ModelIdeas,
            lambda ideas: self._judged(ideas, first, room)[1],
            before,
        )
        chosen, _ = self._judged(reply, first, room)
        self._drop(wrong)
        if len(chosen) == len(first):
            raise ReplyUnusable(
                f"no proposed idea stands: {'; '.join(wrong[:3])}", "a better model may do"
            )
        return Proposals(
            hypotheses=tuple(chosen), why=f"the language model: {reply.why}", weights=self._weights
        )

    def _judged(
        self, reply: ModelIdeas, first: Sequence[Candidate], room: int
    ) -> tuple[list[Proposal], list[str]]:
        """What stands, and what is wrong with the rest."""
        self.examiner.passed.clear()
        chosen = [proposal_of(c) for c in first]
        by_name = {c.name: c for c in self.open if c not in first}
        wrong = list(_why_faults(reply.why))
        for number, idea in enumerate(reply.ideas, 1):
            if len(chosen) == room:
                break
            found, faults = self._one(idea, by_name)
            wrong += [f"idea {number}: {fault}" for fault in faults]
            chosen += [found] if found is not None else []
        return chosen, wrong

    def _one(
        self, idea: ModelIdea, by_name: dict[str, Candidate]
    ) -> tuple[Proposal | None, list[str]]:
        if bool(idea.family) == (idea.own is not None):
            return None, ["give either a family or a hypothesis of your own"]
        if idea.own is not None:
            return self.examiner.examine(idea.own)
        candidate = by_name.pop(idea.family, None)
        if candidate is None:
            return None, [f"{idea.family[:60]!r} is no open family; open: {', '.join(by_name)}"]
        if not self._affordable([candidate]):
            return None, [f"{idea.family} costs more than is left"]
        return proposal_of(candidate), []

    def _affordable(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        price, most = self.request.price, self.request.afford_cpu_s
        return [c for c in candidates if price(c.idea.arms, c.seeds) <= most]

    def _drop(self, wrong: Sequence[str]) -> None:
        """Record what was refused even after it was told."""
        for why in wrong:
            what = f"dropped: an idea of the language model in round {self.request.round}"
            line = DecisionLine(id=short_id([what, why]), what=what, chosen=("nothing",), why=why)
            self.examiner.ledger.append(line)

    def _asked(self, room: int, first: Sequence[Candidate]) -> str:
        request = self.request
        return prompt(
            "propose",
            room=str(room),
            question=fenced("The person's topic", request.question),
            subject=about(request.subject),
            known=listed(known_so_far(request.known)),
            remembered=listed([f"{m.title}: {m.ruling}" for m in request.remembered][:MOST_TOLD]),
            near=near_works(self.examiner.ledger),
            catalogue=listed(self._catalogue(first)),
            tools="\n\n".join(self._tools()),
            works=listed(self._works()),
            seeds=str(len(request.seeds)),
        )

    @cached_property
    def _weights(self) -> dict[str, float]:
        """Bits for a CPU-minute that each open question of the catalogue is expected to give."""
        return {c.name: round(value(c, self.request.price), 4) for c in self.open}

    def _catalogue(self, first: Sequence[Candidate]) -> list[str]:
        """What is open, the highest value first, with its rank in words."""
        worth = self._weights
        ranked = sorted(self.open, key=lambda c: (-worth[c.name], -c.near, c.name))
        told = [c for c in ranked if c not in first][:MOST_TOLD]
        return [f"{self._told(c)} ({_rank(at, len(told))})" for at, c in enumerate(told)]

    def _told(self, candidate: Candidate) -> str:
        price = self.request.price(candidate.idea.arms, candidate.seeds)
        share = price / self.request.afford_cpu_s if self.request.afford_cpu_s > 0 else 2.0
        cost = next((name for most, name in SHARES if share <= most), "more than is left")
        return f"`{candidate.name}` ({cost}): {candidate.idea.title}. {candidate.idea.statement}"

    def _tools(self) -> Iterator[str]:
        """The tools that arms of this domain call, each with the schema and a sound example."""
        for name, arm in sorted(arm_examples(self.open).items()):
            tool = find_tool(name)
            schema = json.dumps(tool.arguments.model_json_schema(), separators=(",", ":"))
            example = json.dumps(arm.arguments, separators=(",", ":"))
            yield f"`{name}`: {tool.summary}\nschema: {schema}\nexample, {arm.label}: {example}"

    def _works(self) -> list[str]:
        known = set(self.library.keys())
        keys = [key for key in keys_found(self.examiner.ledger) if key in known]
        return [f"{key}: {self.library.entry(key).title}" for key in keys[:MOST_TOLD]]


def _rank(at: int, count: int) -> str:
    """Where one of so many stands, in words: a model is told no scores."""
    share = at / count
    words = next(words for least, words in reversed(RANKS) if share >= least)
    return f"information for its cost: {words}"


def open_for(request: ProposeRequest) -> list[Candidate]:
    """The catalogue's open questions, nearest to the topic's question first."""
    return sorted(open_questions(request), key=lambda c: (-c.near, c.name))


def _why_faults(why: str) -> Iterator[str]:
    yield from (f"why: {fault}" for fault in plain_faults(why, "reason", MOST_WHY))
