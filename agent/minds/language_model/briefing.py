"""What the model is told of the run, in words that are the same wherever the run is repeated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.fence import fenced
from agent.minds.language_model.names import Names, letters
from agent.minds.language_model.nearness import near_works
from agent.minds.language_model.parts import Part
from agent.minds.language_model.prompt import listed, prompt
from agent.minds.mind import Known
from agent.minds.playbook.story import Finding
from papers.draft import Prose
from papers.manuscript import Paragraph
from sandbox.ledger import Ledger
from sandbox.records import CallLine, ComparisonLine
from tools.experiment import Experiment
from tools.literature.library import Library
from tools.subject import Subject

MOST_WORKS = 60


@dataclass(frozen=True)
class Briefing:
    """For whoever writes the paper of a run. code: what its own files hold, marked as data."""

    question: str
    subject: Subject
    names: Names
    library: Library
    code: tuple[str, ...] = ()

    def writing(
        self, task: str, part: Part, old: Prose | None = None, found: Sequence[str] = ()
    ) -> str:
        """The request for a part. old, found: what was written before and what a review found."""
        told = prompt(
            "write",
            task=task,
            question=fenced("The person's topic", self.question),
            subject=about(self.subject),
            hypotheses=listed([_finding(k, f) for k, f in self.names.findings.items()]),
            code="\n\n".join(self.code) or "none",
            near=near_works(self.names.story.ledger),
            names=listed(self.names.told(part.letter)),
            works=listed(self._works()),
        )
        if old is None:
            return told
        text = "\n\n".join(b.text for b in part.of(old) if isinstance(b, Paragraph))
        draft, review = fenced("Your draft", text, 8000), fenced("The review", listed(list(found)))
        return f"{told}\n\n{prompt('revise', old=draft, found=review)}"

    def _works(self) -> list[str]:
        """What may be cited: found in the survey, or cited by the built-in mind."""
        found = keys_found(self.names.story.ledger)
        known = set(self.library.keys())
        keys = dict.fromkeys((*found, *self.names.paper.bibliography))
        return [_work(self.library, key) for key in keys if key in known][:MOST_WORKS]


def about(subject: Subject) -> str:
    """Models and tasks, for a prompt."""
    roles = [f"model `{r.name}` ({r.kind}): {r.label}. {r.description}" for r in subject.roles]
    tasks = [
        f"task `{card.name}`{' (primary)' * (card.name == subject.primary)}: {card.label}"
        for card in subject.cards
    ]
    return f"{subject.description}\n{listed([*roles, *tasks])}"


def keys_found(ledger: Ledger) -> list[str]:
    """Keys of the works that searches of this run found, in their order."""
    keys: list[str] = []
    for line in ledger.lines(CallLine):
        if line.tool == "search_literature" and line.status == "ok":
            try:
                body = json.loads(line.summary)
            except ValueError:
                continue
            works = body.get("works") if isinstance(body, dict) else None
            keys += [str(w["key"]) for w in works or () if isinstance(w, dict) and "key" in w]
    return list(dict.fromkeys(keys))


def known_so_far(known: Iterable[Known]) -> list[str]:
    """The tree of hypotheses so far, each under its letter, for a prompt."""
    past = tuple(known)
    at = {k.hypothesis.id: letters(number) for number, k in enumerate(past)}
    return [f"{at[k.hypothesis.id]}: {_node(k, at)}" for k in past]


def _node(past: Known, at: Mapping[str, str]) -> str:
    line = past.hypothesis
    told = f"{line.title}. {line.statement}{_compared(past.experiment)} "
    told += f"So far: {past.ruling or 'not measured'}{_direction(past.comparison, past.ruling)}"
    if line.parent in at:
        told += f" It follows {at[line.parent]}{f' ({line.relation})' * bool(line.relation)}."
    if past.troubles:
        told += f" Trials were kept from a fair result by: {', '.join(_causes(past))}."
    return told


def _causes(past: Known) -> list[str]:
    return sorted(set(past.troubles.values()))


def _compared(plan: Experiment | None) -> str:
    """Both sides of a plan, by their labels."""
    if plan is None:
        return ""
    test = plan.test
    return f" Treatment: {test.treatment.label}. Control: {test.control.label}."


def _finding(letter: str, finding: Finding) -> str:
    line = finding.hypothesis
    return (
        f"{letter}: {line.title}. {line.statement}{_compared(finding.plan)} "
        f"Ruling: {finding.ruling}{_direction(finding.comparison, finding.ruling)}"
    )


def _direction(line: ComparisonLine | None, ruling: str) -> str:
    """Which way a difference goes, without its value, and why that does not always decide."""
    if line is None:
        return "."
    if line.low > 0:
        way = "the difference is above zero, with its whole interval"
    elif line.high < 0:
        way = "the difference is below zero, with its whole interval"
    else:
        way = f"the mean difference is {'above' if line.effect > 0 else 'not above'} zero, and "
        way += "its interval includes zero"
    reached = "reaches" if line.effect >= line.predicted_effect else "falls short of"
    open_ = ""
    if ruling == "inconclusive":
        open_ = "; the exact test, corrected for the run's hypotheses, does not reach its level"
    return f" ({way}; the mean {reached} the prediction{open_})."


def _work(library: Library, key: str) -> str:
    entry = library.entry(key)
    return f"{key}: {entry.title} ({entry.authors[0]}, {entry.year})"
