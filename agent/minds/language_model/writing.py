"""A model as an author: part by part, each held to the rules before it enters the paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from agent.fence import fenced
from agent.minds.language_model.authorship import BUILTIN, MODEL, signed
from agent.minds.language_model.briefing import Briefing
from agent.minds.language_model.dialogue import Dialogue
from agent.minds.language_model.names import NAME, Names
from agent.minds.language_model.parts import Part, parts_of
from agent.minds.language_model.prompt import prompt
from agent.minds.language_model.proof import Proof
from agent.minds.language_model.standby import Standby
from agent.minds.language_model.telling import misstated
from agent.minds.language_model.wording import faults, heading_faults
from papers.draft import Prose
from papers.manuscript import Paragraph
from papers.prose import citations
from sandbox.errors import BudgetSpent
from tools.literature.library import Library
from tools.own_code import brought_code

if TYPE_CHECKING:
    from agent.lab import Lab
    from agent.minds.language_model.language_model import Attended

MOST_REVISED = 4
"""Parts that are asked for again after one review."""
MOST_CODE = 6000
"""Letters of a file that a prompt shows."""


class Written(BaseModel):
    """One paragraph as the model writes it."""

    model_config = ConfigDict(extra="forbid")

    heading: str = Field("", description="run-in heading, a few plain words; may be empty")
    text: str


class WrittenPart(BaseModel):
    """One part of the paper."""

    model_config = ConfigDict(extra="forbid")

    paragraphs: list[Written] = Field(min_length=1, max_length=8)


@dataclass(frozen=True)
class Author:
    """seconds_left: of the time in which the model may still be asked to write."""

    dialogue: Dialogue
    standby: Standby
    names: Names
    briefing: Briefing
    proof: Proof
    library: Library
    seconds_left: Callable[[], float]

    def write(self) -> Prose:
        """The whole paper; what the model fails at is the built-in mind's."""
        prose, by = self.proof.builtin, {}
        for part in parts_of(self.names):
            before = prose
            prose = self._either(_request(part), before, partial(self._part, part, before))
            by[part.name] = BUILTIN if prose is before else MODEL
        return signed(prose, by, self.standby.ledger)

    def revise(self, round_: int, prose: Prose, found: Mapping[str, Sequence[str]]) -> Prose:
        """The prose with parts of the model's written anew. found: section -> what was found."""
        mine = [
            part
            for part in parts_of(self.names)
            if part.label in found and prose.parts.get(part.name) == MODEL
        ]
        for part in mine[:MOST_REVISED]:
            again = partial(self._part, part, prose, f"revise-{round_}", found[part.label])
            prose = self._either(f"revision of the {_request(part)}", prose, again)
        return prose

    def _either(self, request: str, as_it_is: Prose, model: Callable[[], Prose]) -> Prose:
        return self.standby.either(request, model, lambda: as_it_is)

    def _part(
        self, part: Part, prose: Prose, stage: str = "write", found: Sequence[str] = ()
    ) -> Prose:
        """The prose with this part rewritten. Raises MindFailed or BudgetSpent."""
        if self.seconds_left() <= 0:
            raise BudgetSpent("the time for writing is over", "raise budget.wall")
        said = prompt(part.task, letter=part.letter, needs=_braced(part.needs))
        asked = self.briefing.writing(said, part, prose if found else None, found)
        key = f"{stage}-{part.name.replace(' ', '-')}"
        reply = self.dialogue.sound(
            key, "write", asked, WrittenPart, lambda r: list(self._faults(part, prose, r))
        )
        return part.put(prose, self._paragraphs(reply))

    def _faults(self, part: Part, prose: Prose, reply: WrittenPart) -> Iterator[str]:
        if len(reply.paragraphs) > part.most:
            yield f"this part has at most {part.most} paragraphs"
        text = " ".join(p.text for p in reply.paragraphs)
        named = set(NAME.findall(text))
        for name in part.needs:
            if name not in named:
                yield f"{{{{{name}}}}} is missing"
        cited = {key for p in reply.paragraphs for key in citations(p.text)}
        if len(cited) < part.works:
            yield f"works cited: {len(cited)}; this part cites {part.works} or more"
        typed = [said for p in reply.paragraphs for said in self._typed(p)]
        yield from typed
        if not typed:
            # names that do not resolve could not be filled in, so the proof comes second
            yield from self.proof.faults(part.put(prose, self._paragraphs(reply)))

    def _typed(self, paragraph: Written) -> Iterator[str]:
        yield from heading_faults(paragraph.heading)
        found = list(faults(paragraph.text, self.names, self.library))
        yield from found or misstated(paragraph.text, self.names)

    def _paragraphs(self, reply: WrittenPart) -> tuple[Paragraph, ...]:
        return tuple(
            Paragraph(
                heading=p.heading.strip(),
                text=self.names.filled(" ".join(p.text.split())),
                claims=self.names.claims(p.text),
            )
            for p in reply.paragraphs
        )


def _request(part: Part) -> str:
    """As records and the first page call it, without the letter of a finding."""
    return "findings" if part.letter else part.name


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in names) or "nothing in particular"


def author_in(there: Attended, seconds_left: Callable[[], float]) -> Author:
    """Who writes the paper of the run that is attended."""
    from agent.findings import plan_bodies
    from agent.minds.playbook.authors.author import author_of
    from agent.minds.playbook.story import Story
    from agent.minds.playbook.writing import write_prose
    from papers.draft import draft

    lab = there.lab
    ledger, facts, plans = lab.ledger, lab.facts, plan_bodies(lab)
    builtin = write_prose(ledger, facts, plans)
    story = Story(ledger, facts, plans)
    names = Names(story, author_of(story), draft(builtin, ledger, facts, plans))
    return Author(
        dialogue=there.dialogue,
        standby=there.standby,
        names=names,
        briefing=Briefing(lab.topic.question, lab.subject, names, lab.library, _code(lab)),
        proof=Proof(builtin, ledger, facts, plans, lab.library),
        library=lab.library,
        seconds_left=seconds_left,
    )


def _code(lab: Lab) -> tuple[str, ...]:
    """The files that the topic brought or the mind wrote."""
    return tuple(
        fenced(f"{own.name}, file {own.input}", own.file.read_text(encoding="utf-8"), MOST_CODE)
        for own in brought_code(lab.subject).values()
    )
