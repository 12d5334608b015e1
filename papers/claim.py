"""What may be said: each kind of claim allows certain verbs, and a test earns the kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.ledger import Ledger
from sandbox.records import ClaimKind, ClaimLine, ComparisonLine, VerdictLine

VERBS: dict[ClaimKind, tuple[str, ...]] = {
    "superiority": (
        r"out-?perform(?:s|ed|ing)?",
        r"beat(?:s|en|ing)?",
        r"surpass(?:es|ed|ing)?",
        r"exceed(?:s|ed|ing)?",
        r"better than",
        r"superior(?: to)?",
        r"(?:higher|stronger|more accurate) than",
        r"improv(?:es|ed|ing|ement) (?:on|over|upon)",
        r"wins? (?:over|against)",
        r"significant(?:ly)?",
        r"state[- ]of[- ]the[- ]art",
        r"proves?|proven",
        r"demonstrat(?:es|ed) that",
    ),
    "null": (
        r"worse than",
        r"under-?perform(?:s|ed|ing)?",
    ),
    "equivalence": (
        r"equivalent to",
        r"on par with",
        r"as good as",
        r"(?:is|are|was|were) (?:the same|identical|indistinguishable)",
        r"no difference",
    ),
    "descriptive": (
        r"reach(?:es|ed)?",
        r"averag(?:es|ed)",
        r"scor(?:es|ed)",
        r"measur(?:es|ed)",
        r"rang(?:es|ed)",
    ),
}
"""Patterns of the verbs, by the kind of claim that allows them. Descriptive ones stand always."""

_IF = r"whether|would|could|might|may|if|ought|should|must|unless"
_CONDITIONAL = re.compile(rf"\b(?:{_IF}|when)\b", re.IGNORECASE)
_SUPPOSED = re.compile(
    rf"\b(?:{_IF}|hypothes[ie]\w*|predict(?:s|ed)?|expect(?:s|ed)?|question|suppose)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|fail(?:s|ed)? to|nothing|none|"
    r"too few|rather than)\b|n't\b",
    re.IGNORECASE,
)
_EMPHATIC = re.compile(
    r"\b(?:no|without(?: any| a)?|beyond(?: any| a| all)?) (?:doubt|question|surprise)\b|"
    r"\bnot (?:only|just|merely)\b|\bas a rule\b|\bnever fail(?:s|ed)? to\b|"
    r"\b(?:must|should|may|cannot) be (?:noted|said|stressed|added|denied|doubted|disputed)\b|"
    r"\bas (?:\w+ )?(?:(?:may|might|would|could|should) be )?(?:expect|predict|suppos)ed\b",
    re.IGNORECASE,
)
"""Turns of phrase that hold such a word and take nothing back."""
_ASIDE = re.compile(r"\([^()]*\)")
_CLAUSE = re.compile(
    r"[,;:()]|\b(?:because|since|whereas|although|though|but)\b|"
    r"\b(?:and|so|as) (?=(?:it|this|these|they|we)\b)",
    re.IGNORECASE,
)
_CITATION = re.compile(r"\{\{\s*citep?:")


@dataclass(frozen=True)
class Assertion:
    """A verb in a sentence and the kind of claim that it needs."""

    kind: ClaimKind
    phrase: str
    sentence: str


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph. References and abbreviations do not end one."""
    guarded = re.sub(r"\b(e\.g|i\.e|et al|cf|vs|resp|Fig|Sec|Eq|approx)\.", r"\1<DOT>", text)
    parts = re.split(r"(?<=[.!?])\s+(?=[A-Z$({])", guarded)
    return [part.replace("<DOT>", ".").strip() for part in parts if part.strip()]


def supposed(sentence: str, at: int) -> bool:
    """Whether what stands there is asked, predicted or supposed, so that it is not asserted.

    By a word before it in its own clause: `might` somewhere else in the sentence excuses nothing.
    """
    return sentence.endswith("?") or _SUPPOSED.search(_clause(sentence, at)) is not None


def conditional(sentence: str, at: int) -> bool:
    """Whether a ruling that stands there is one that may come: to name a hypothesis is no doubt."""
    return sentence.endswith("?") or _CONDITIONAL.search(_clause(sentence, at)) is not None


def excused(sentence: str, at: int) -> bool:
    """Whether what stands there is supposed, or denied by a word before it in its own clause."""
    denied = _DENIED.search(re.split(r"\b(?:and|but)\b", _clause(sentence, at))[-1])
    return denied is not None or supposed(sentence, at)


def _clause(sentence: str, at: int) -> str:
    """What stands before that place in its own clause, without what only sounds like a doubt."""
    before = _ASIDE.sub(" ", _EMPHATIC.sub(" ", sentence[:at]))
    return _CLAUSE.split(before)[-1]


def bare(sentence: str) -> str:
    """The sentence with blanks for its references and formulas, so that places stay the same."""
    return re.sub(r"\{\{.*?\}\}|\$.*?\$", lambda found: " " * len(found.group(0)), sentence)


def assertions(text: str, lead: str = "") -> list[Assertion]:
    """What the paragraph asserts beyond description.

    A question, a hypothesis, a negation and a sentence about cited work assert nothing about this
    run. lead: the paragraph that introduces a list; when it ends open, so are the items.
    """
    found: list[Assertion] = []
    if lead and supposed(opening := bare(sentences(lead)[-1]).rstrip(" :.;,"), len(opening)):
        return found
    for sentence in sentences(text):
        if _CITATION.search(sentence):
            continue
        plain = bare(sentence)
        for kind in ("superiority", "null", "equivalence"):
            found.extend(
                Assertion(kind, match.group(0), sentence)
                for pattern in VERBS[kind]
                for match in re.finditer(rf"\b(?:{pattern})\b", plain, re.IGNORECASE)
                if not excused(plain, match.start())
            )
    return found


def least_pairs(alpha: float, family_size: int) -> int:
    """The fewest pairs whose exact test can reach alpha after Holm: 2^-n x family_size <= alpha."""
    pairs = 1
    while family_size * 2.0**-pairs > alpha:
        pairs += 1
    return pairs


def licence(ledger: Ledger, claims: Iterable[str]) -> frozenset[ClaimKind]:
    """The kinds of claim that these ids carry by their verdicts. Unknown ids carry nothing.

    `null`, whose verbs tell of a loss, needs a refuted verdict and an interval below zero: a
    refuted prediction alone may leave a gain.
    """
    allowed: set[ClaimKind] = {"descriptive"}
    for id in claims:
        claim = ledger.find(ClaimLine, id)
        if claim is None or unearned(ledger, claim):
            continue
        if claim.claim != "null" or all(_is_worse(ledger, verdict) for verdict in claim.verdicts):
            allowed.add(claim.claim)
    return frozenset(allowed)


def _is_worse(ledger: Ledger, id: str) -> bool:
    """Whether the test shows a loss: refuted, with an interval below zero."""
    verdict = ledger.find(VerdictLine, id)
    line = ledger.find(ComparisonLine, verdict.comparison) if verdict is not None else None
    return (
        verdict is not None and line is not None and verdict.ruling == "refuted" and line.high < 0
    )


def unearned(ledger: Ledger, claim: ClaimLine) -> str:
    """Why the claim's kind is not earned, or "" when it is.

    superiority: every verdict is `supported`, on enough pairs. null: every verdict is `refuted` or
    `inconclusive`. equivalence: every comparison's interval lies inside the predicted margin around
    the null effect.
    """
    if claim.claim == "descriptive":
        return ""
    verdicts = [ledger.find(VerdictLine, id) for id in claim.verdicts]
    known = [verdict for verdict in verdicts if verdict is not None]
    if not known or len(known) < len(verdicts):
        return "it names no verdict of the ledger"
    if claim.claim == "superiority":
        wrong = [verdict.ruling for verdict in known if verdict.ruling != "supported"]
        if wrong:
            return f"its verdict is {wrong[0]}"
    if claim.claim == "null" and any(verdict.ruling == "supported" for verdict in known):
        return "its verdict is supported"
    compared = [ledger.find(ComparisonLine, verdict.comparison) for verdict in known]
    for verdict, comparison in zip(known, compared, strict=True):
        if comparison is None:
            return "its comparison is not in the ledger"
        if claim.claim == "equivalence" and not _within_margin(comparison):
            return "the interval leaves the margin of equivalence"
        least = least_pairs(verdict.alpha, verdict.family_size)
        if claim.claim == "superiority" and comparison.pairs < least:
            return f"its pairs are too few to decide it: {comparison.pairs} of {least}"
    return ""


def _within_margin(comparison: ComparisonLine) -> bool:
    margin = abs(comparison.predicted_effect - comparison.null_effect)
    return (
        abs(comparison.low - comparison.null_effect) < margin
        and abs(comparison.high - comparison.null_effect) < margin
    )
