"""What the model may name in prose: each name stands for words that rest on the run's record.

The model never sees or types an id or a format. `{{A.outcome}}` becomes the sentence, references
and all, that the built-in mind would write of the first hypothesis, so that a value cannot be told
as another, nor the winner as the loser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from agent.minds.playbook.authors.author import Author
from agent.minds.playbook.story import Finding, Story
from agent.minds.playbook.writing import tally
from agent.minds.playbook.writing_results import headline, outcome, statement
from papers.effect import form_of, unit_after
from papers.manuscript import Figure, Manuscript, Table

NAME = re.compile(r"\{\{\s*([A-Za-z]+\.[a-z_]+)\s*\}\}")
WHOLE = ("hypothesis", "outcome", "headline", "tally", "question")
"""Names that stand for whole sentences."""
_OPENS = re.compile(r"(?:^|[.!?]\s+)$")


@dataclass(frozen=True)
class Name:
    """text: what it becomes; opening: what it becomes where a sentence begins.

    finding: letter of the finding that it speaks of.
    """

    means: str
    text: str
    finding: str = ""
    opening: str = ""


@dataclass(frozen=True)
class Names:
    """Everything that can be named in the paper of one run."""

    story: Story
    author: Author
    paper: Manuscript

    @cached_property
    def findings(self) -> dict[str, Finding]:
        """By letter, in the order of their proposal."""
        return {letters(at): finding for at, finding in enumerate(self.story.findings)}

    @cached_property
    def known(self) -> Mapping[str, Name]:
        """Every name, without braces."""
        return {**dict(self._of_run()), **dict(self._of_findings()), **dict(self._of_floats())}

    def letter(self, hypothesis: str) -> str:
        """The letter of a hypothesis."""
        return next(k for k, f in self.findings.items() if f.hypothesis.id == hypothesis)

    def spoken_of(self, text: str) -> list[str]:
        """Letters of the findings that a text names, each once."""
        named = (self.known[n].finding for n in NAME.findall(text) if n in self.known)
        return list(dict.fromkeys(letter for letter in named if letter))

    def claims(self, text: str) -> tuple[str, ...]:
        """Ids of the ledger's claims about what a text names."""
        return self.story.claims(*(self.findings[letter] for letter in self.spoken_of(text)))

    def filled(self, text: str) -> str:
        """The text with its names replaced; the full stop after a whole sentence goes."""
        text = re.sub(rf"(\{{\{{\s*\w+\.(?:{'|'.join(WHOLE)})\s*\}}\}})\.", r"\1", text)

        def become(found: re.Match[str]) -> str:
            name = self.known[found.group(1)]
            begins = _OPENS.search(text[: found.start()]) is not None
            return name.opening if begins and name.opening else name.text

        return NAME.sub(become, text)

    def told(self, letter: str = "") -> list[str]:
        """The names for a prompt; letter: those of that finding, of the run, and all sections."""
        return [
            f"{{{{{key}}}}}: {name.means}"
            for key, name in self.known.items()
            if not letter or name.finding in ("", letter) or key.endswith(".section")
        ]

    def _of_run(self) -> Iterator[tuple[str, Name]]:
        yield "run.question", Name("the question, a whole sentence", "{{fact:question|text}}")
        subject = "{{fact:subject.description|text}}"
        yield "run.subject", Name("what was studied, a phrase", subject)
        yield "run.plans", Name("how many plans were frozen", "{{count:plans|words}}")
        yield "run.trials", Name("how many trials were run", "{{count:trials|d}}")
        yield "run.seeds", Name("how many paired seeds", "{{count:seeds|words}}")
        task = f"{{{{{self.story.primary_label}|text}}}}"
        yield "run.task", Name("label of the primary task", task)
        yield (
            "run.tally",
            Name("how many hypotheses were ruled how, a whole sentence", tally(self.story)),
        )

    def _of_findings(self) -> Iterator[tuple[str, Name]]:
        for letter, finding in self.findings.items():
            for key, means, text, opening in self._of(finding):
                yield f"{letter}.{key}", Name(f"{means} {letter}", text, letter, opening)

    def _of(self, finding: Finding) -> Iterator[tuple[str, str, str, str]]:
        id, line = finding.hypothesis.id, finding.comparison
        title = f"hypothesis:{id}.title"
        yield "title", "title of", f"{{{{{title}|inline}}}}", f"{{{{{title}|text}}}}"
        yield "section", "reference to the section on", f"{{{{ref:sec:{id}}}}}", ""
        stated = statement(self.author, finding)
        yield "hypothesis", "statement, reasons and prediction, whole sentences, of", stated, ""
        found = outcome(self.author, self.story, finding)
        yield "outcome", "result, test and ruling, whole sentences, of", found, ""
        if finding.plan is not None:
            for side in ("treatment", "control"):
                label = f"plan:{finding.plan.id}.test.{side}.label"
                yield side, f"label of the {side} of", _in(label, "inline"), _in(label, "text")
        if line is not None and finding.plan is not None:
            form, unit = form_of(line.metric), unit_after(line.metric)
            low, high = (_in(f"cmp:{line.id}.{end}", form) for end in ("low", "high"))
            effect = f"{_in(f'cmp:{line.id}.effect', form)}{unit} (interval {low} to {high})"
            yield "effect", "measured difference with its interval, of", effect, ""
            short = headline(self.author, finding)
            yield "headline", "result for an abstract, a whole sentence, of", short, ""

    def _of_floats(self) -> Iterator[tuple[str, Name]]:
        for section in self.paper.sections:
            for block in section.blocks:
                if isinstance(block, Table | Figure) and not section.appendix:
                    kind, _, name = block.label.partition(":")
                    means = re.sub(r"\{\{.*?\}\}", "…", block.caption.split(". ")[0])
                    yield (
                        f"{kind}.{name.replace('-', '_')}",
                        Name(f"reference to: {means}", f"{{{{ref:{block.label}}}}}"),
                    )


def letters(at: int) -> str:
    """A, B, ..., Z, AA, AB, ... for 0, 1, ..."""
    return (letters(at // 26 - 1) if at >= 26 else "") + chr(ord("A") + at % 26)


def _in(expression: str, form: str) -> str:
    return f"{{{{{expression}|{form}}}}}"
