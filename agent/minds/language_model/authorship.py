"""Who wrote which part of a paper, as its first page says it, in words without digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.minds.language_model.parts import FINDING
from agent.minds.language_model.standby import failures
from papers.draft import Prose
from sandbox.ledger import Ledger

MODEL, BUILTIN = "language-model", "playbook"
ALWAYS = ("the method", "the set-up", "the limitations")
"""What the built-in mind writes in every paper."""


def signed(prose: Prose, by: Mapping[str, str], ledger: Ledger) -> Prose:
    """The prose with its authors. by: part -> who wrote it."""
    both = set(by.values()) == {MODEL, BUILTIN}
    author = f"{MODEL} and {BUILTIN}" if both else next(iter(by.values()))
    said = authorship(by, failures(ledger))
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
        reasons: dict[str, list[str]] = {}
        for request, why in failed.items():
            reasons.setdefault(why, []).append(request)
        told = "; ".join(f"{_row(requests)} ({why})" for why, requests in reasons.items())
        text += f" The built-in mind stood in for the model in: {told}."
    return text


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
