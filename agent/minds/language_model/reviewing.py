"""A model as a reviewer: typed advice on the paper, few and short; it decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.fence import fenced
from agent.minds.language_model.dialogue import Dialogue
from agent.minds.language_model.names import letters
from agent.minds.language_model.prompt import listed, prompt
from agent.minds.language_model.wording import plain_faults
from agent.minds.reviews import ReviewRequest
from papers.manuscript import Manuscript
from papers.prose import Cite, Code, Math, Piece, Plain, Ref, Reference, pieces
from papers.review.advice import Advice
from papers.review.finding import Case
from papers.review.passage import Passage, Quoted, passages
from sandbox.errors import ReplyUnusable
from sandbox.records import short_id

MOST_FINDINGS, MOST_SENTENCE = 8, 300
SHOWN = frozenset({"cmp", "mean", "sd", "low", "high", "n", "hypothesis", "verdict", "plan"})
"""Sources of values that a reviewer reads; costs, ids and machines differ wherever it is run."""
LEFT_OUT = "[a value]"


class ModelFinding(BaseModel):
    """One weakness of the paper, in plain words without digits."""

    model_config = ConfigDict(extra="forbid")

    severity: Literal["major", "minor"]
    where: str = Field(description="one of the places given")
    what: str = Field(description="what is wrong, a sentence or two")
    fix: str = Field(description="how to mend it with the evidence that is there")


class ModelReview(BaseModel):
    """What a reviewer finds; an empty list where nothing is wrong."""

    model_config = ConfigDict(extra="forbid")

    findings: list[ModelFinding] = Field(max_length=MOST_FINDINGS)


@dataclass(frozen=True)
class Reviewer:
    """One round of advice. letters: of the paper that the model is shown."""

    dialogue: Dialogue
    request: ReviewRequest
    letters: int

    def advice(self) -> tuple[Advice, ...]:
        """What stands of the model's findings. Raises MindFailed or BudgetSpent.

        Raises ReplyUnusable where it found something and none of it keeps to the rules.
        """
        said = prompt(
            "review",
            paper=fenced("The paper", self._paper(), self.letters),
            found=fenced("The checks", listed(self._found())),
            places=listed([f"`{place}`" for place in self._places]),
            most=str(MOST_FINDINGS),
        )
        key = f"review-{self.request.round}"
        reply, wrong = self.dialogue.reply(key, "review", said, ModelReview, self._faults)
        sound = [finding for finding in reply.findings if not list(self._of(finding))]
        if reply.findings and not sound:
            raise ReplyUnusable(
                f"no finding of {key} keeps to the rules: {'; '.join(wrong[:3])}",
                "a better model may do",
            )
        return tuple({advice.id: advice for advice in map(self._advice, sound)}.values())

    def _advice(self, finding: ModelFinding) -> Advice:
        where = self._places[finding.where]
        what, fix = (" ".join(text.split()) for text in (finding.what, finding.fix))
        id = short_id(["advice", self.request.round, where, what])
        return Advice(id=id, severity=finding.severity, where=where, what=what, fix=fix)

    def _faults(self, reply: ModelReview) -> Sequence[str]:
        return [
            f"finding {number}: {fault}"
            for number, finding in enumerate(reply.findings, 1)
            for fault in self._of(finding)
        ]

    def _of(self, finding: ModelFinding) -> Iterator[str]:
        if finding.where not in self._places:
            yield f"there is no place {finding.where[:60]!r}; places: {', '.join(self._places)}"
        yield from plain_faults(finding.what, "what", MOST_SENTENCE)
        yield from plain_faults(finding.fix, "fix", MOST_SENTENCE)

    def _found(self) -> list[str]:
        """The checks' findings by their names alone: their words quote values and ids."""
        names = (f"{f.check} ({f.severity})" for f in self.request.found.findings)
        return list(dict.fromkeys(name.replace("_", " ") for name in names))

    @cached_property
    def _places(self) -> Mapping[str, str]:
        return places_of(self.request.case)

    def _paper(self) -> str:
        case = self.request.case
        named = {label: place for place, label in self._places.items()}
        lines: list[str] = []
        for passage in passages(_body(case.manuscript)):
            text = _read(case, passage, named).strip()
            if text and passage.role in ("title", "heading"):
                lines.append(f"\n# {named.get(passage.section, passage.section)}: {text}")
            elif text and passage.role in ("paragraph", "item", "caption", "note"):
                lines.append(f"{passage.table}: {text}" if passage.table else text)
        return "\n".join(lines)


def places_of(case: Case) -> dict[str, str]:
    """What a reviewer may call a section -> its label; ids of hypotheses become letters."""
    asked = [line.id for line in case.hypotheses]
    found = {"abstract": "abstract"}
    for section in _body(case.manuscript).sections:
        name = section.label.removeprefix("sec:")
        if name in asked:
            name = f"finding {letters(asked.index(name))}"
        found[name] = section.label
    return found


def _body(manuscript: Manuscript) -> Manuscript:
    """The paper without its appendix."""
    kept = tuple(section for section in manuscript.sections if not section.appendix)
    return manuscript.model_copy(update={"sections": kept})


def _read(case: Case, passage: Passage, named: Mapping[str, str]) -> str:
    """The passage as a reader has it, as far as it is the same wherever the run is repeated."""
    return "".join(_piece(case, piece, named) for piece in pieces(passage.text))


def _piece(case: Case, piece: Piece, named: Mapping[str, str]) -> str:
    match piece:
        case Plain():
            return piece.text
        case Reference():
            shown = Quoted(piece.body).source in SHOWN
            return case.numbers.render(piece.body).text if shown else LEFT_OUT
        case Cite():
            return f"[{', '.join(piece.keys)}]"
        case Ref():
            return f"[{named.get(piece.label, piece.label)}]"
        case Code():
            return piece.text
        case Math():
            return f"${piece.tex}$"
