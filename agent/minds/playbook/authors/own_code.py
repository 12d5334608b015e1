"""Code that is not of the product: which it is, whose it is, and how it was treated."""

from __future__ import annotations

from agent.minds.playbook.story import Story, noun
from papers.draft import Passage
from papers.manuscript import Items, Paragraph
from sandbox.records import CallLine
from tools.kind import KINDS, Kind


def told(story: Story) -> Passage:
    """Each file that an arm runs, with its digest, and pilots; nothing where there are none."""
    code = (part for kind in KINDS.values() for part in _of_kind(story, kind))
    return (*code, *_pilots(story))


def _pilots(story: Story) -> Passage:
    calls = [line for line in story.ledger.lines(CallLine) if line.tool == "pilot"]
    count = sum(line.status != "refused" for line in calls)
    if not count:
        return ()
    return (
        Paragraph(
            heading="Pilots",
            text="Beside the plans, the mind tried out "
            f"{{{{count:pilots|d}}}} {noun(count, 'call', 'calls')} on development items, with a "
            "seed that no plan may use. What pilots showed is no evidence here; it may have shaped "
            "what was asked.",
        ),
    )


def _of_kind(story: Story, kind: Kind) -> Passage:
    used, many = _used(story, kind.argument), f"{kind.noun}s"
    authors = {name: author for name, author in _known(story, kind).items() if name in used}
    if not authors:
        return ()
    count = len(authors)
    return (
        Paragraph(
            heading=noun(
                count,
                f"{kind.one} of its own".capitalize(),
                f"{many} of its own".capitalize(),
            ),
            text=f"The code of {noun(count, f'this {kind.noun}', f'these {many}')} "
            f"{_whence(set(authors.values()))} and is not part of the product. "
            f"{noun(count, 'It was', 'They were')} read as text, imported in fresh jobs of the "
            f"sandbox alone, and held to {kind.told_laws}. {kind.told_use}; the answers "
            "stayed outside. The plans and the trials name the digest of the file, so that the "
            "evidence belongs to this code and no other:",
        ),
        Items(items=tuple(_line(kind, name, author) for name, author in authors.items())),
    )


def _whence(authors: set[str]) -> str:
    if authors == {""}:
        return "was brought with the question"
    if "" not in authors:
        return "was written by the mind of this run, before the plans that use it were frozen,"
    return "was brought with the question or written by the mind of this run,"


def _known(story: Story, kind: Kind) -> dict[str, str]:
    """Name -> its author, empty for whoever brought the question."""
    facts = story.facts.get(kind.setting, [])
    found = [fact for fact in facts if isinstance(fact, dict)] if isinstance(facts, list) else []
    return {str(fact["name"]): str(fact.get("author", "")) for fact in found}


def _used(story: Story, argument: str) -> set[str]:
    arms = (arm for plan in story.experiments.values() for arm in plan.arms)
    given = (arm.arguments.get(argument) for arm in arms)
    return {str(name) for own in given if isinstance(own, dict) for name in own}


def _line(kind: Kind, name: str, author: str) -> str:
    at = f"fact:{kind.setting}.{name}"
    by = f" by {{{{{at}.author|text}}}}" if author else ""
    return (
        f"{{{{{at}.label|text}}}}, the {kind.noun} {{{{code:{name}}}}}{by}: the file "
        f"{{{{{at}.file|text}}}} in the folder of the run, with the digest "
        f"{{{{{at}.digest_in_words|text}}}}."
    )
