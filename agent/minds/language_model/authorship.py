"""Who wrote which part of a paper, as its first page says it, in words without digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.minds.language_model.parts import FINDING
from agent.minds.language_model.standby import by_reason, failures
from papers.draft import Prose
from sandbox.ledger import Ledger
from sandbox.records import CallLine, CodeLine, ComparisonLine, DecisionLine, HypothesisLine

MODEL, BUILTIN = "language-model", "playbook"
ALWAYS = ("the method", "the set-up", "the limitations")
"""What the built-in mind writes in every paper."""
FAMILY = "model"
"""Of the hypotheses that the model worked out itself."""
DROPPED = "dropped: an idea of the language model"
"""How a decision begins that refused one for good."""


def signed(prose: Prose, by: Mapping[str, str], ledger: Ledger) -> Prose:
    """The prose with its authors. by: part -> who wrote it."""
    both = set(by.values()) == {MODEL, BUILTIN}
    author = f"{MODEL} and {BUILTIN}" if both else next(iter(by.values()))
    who = authorship(by, _stood_in(by, failures(ledger)))
    said = " ".join((who, *of_code(ledger), *of_ties(ledger), *of_refusals(ledger)))
    return prose.model_copy(update={"author": author, "parts": dict(by), "authorship": said})


def authorship(by: Mapping[str, str], failed: Mapping[str, str]) -> str:
    """For a first page. failed: request that the built-in mind did -> why."""
    mine, theirs = (_named(by, who) for who in (MODEL, BUILTIN))
    if not mine:
        text = (
            "A language model was asked and wrote no part of this text; Hanji's built-in mind did."
        )
    else:
        text = (
            f"A language model wrote {_row(mine)}; Hanji's built-in mind wrote "
            f"{_row([*theirs, *ALWAYS])}."
        )
    if failed:
        told = "; ".join(f"{_row(requests)} ({why})" for why, requests in by_reason(failed).items())
        text += f" The built-in mind stood in for the model in: {told}."
    return text


def _stood_in(by: Mapping[str, str], failed: Mapping[str, str]) -> dict[str, str]:
    """Failures, without those of parts that the model wrote when a later session asked again."""
    left = {_request(part) for part, who in by.items() if who == BUILTIN}
    written = {_request(part) for part in by} - left
    return {request: why for request, why in failed.items() if request not in written}


def _request(part: str) -> str:
    """As failures call the part."""
    return f"{FINDING}s" if part.startswith(FINDING) else part


def of_code(ledger: Ledger) -> list[str]:
    """Whose arms are code of the model: a block also runs where the answers are given."""
    written = [line for line in ledger.lines(CodeLine) if line.lawful and line.author == MODEL]
    if not written:
        return []
    answers = any(line.seam == "block" for line in written)
    ran = "where answers were given" if answers else "where models were made, not where they answer"
    names = [line.name.replace("_", " ") for line in written]
    return [
        f"The model also wrote the code of {_row(names)}, which ran {ran}; read it before its "
        "scores are believed."
    ]


def of_ties(ledger: Ledger) -> list[str]:
    """Which of the model's own hypotheses compared two sides that turned out to be one."""
    tied = {
        line.hypothesis
        for line in ledger.lines(ComparisonLine)
        if line.differences and not any(line.differences)
    }
    own = (line for line in ledger.lines(HypothesisLine) if line.family == FAMILY)
    return [
        f"Both sides of \u201c{line.title}\u201d scored the same on every seed, so nothing that "
        "differs was compared."
        for line in own
        if line.id in tied
    ]


def of_refusals(ledger: Ledger) -> list[str]:
    """What kinds of things the model asked for in vain."""
    ideas = any(line.what.startswith(DROPPED) for line in ledger.lines(DecisionLine))
    calls = any(line.status == "refused" for line in ledger.lines(CallLine))
    code = any(not line.lawful for line in ledger.lines(CodeLine))
    kinds = {"ideas": ideas, "calls of tools": calls, "files with code": code}
    found = [kind for kind, there in kinds.items() if there]
    return [f"Some of its {_row(found)} were refused; the ledger says why."] if found else []


def _named(by: Mapping[str, str], who: str) -> list[str]:
    """Whose parts, with the findings together."""
    authors = {by[part] for part in by if part.startswith(FINDING)}
    findings = "findings" if len(authors) == 1 else "some of the findings"
    parts = (part for part in by if by[part] == who)
    named = (findings if part.startswith(FINDING) else f"the {part}" for part in parts)
    return list(dict.fromkeys(named))


def _row(words: Sequence[str]) -> str:
    """a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
