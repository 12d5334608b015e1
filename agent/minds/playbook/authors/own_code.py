"""Code that is not of the product: which it is, whose it is, and how it was treated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.minds.playbook.story import Story, noun
from papers.draft import Passage
from papers.manuscript import Items, Paragraph
from sandbox.records import CODE_FOLDERS, CallLine, Seam
from tools.own_code import ARGUMENTS


@dataclass(frozen=True)
class Wording:
    """How code of one kind is spoken of."""

    one: str
    many: str
    laws: str
    use: str
    article: str = "A"


WORDS: Mapping[Seam, Wording] = MappingProxyType(
    {
        "block": Wording(
            "block",
            "blocks",
            "the laws of blocks (shape, finite gradients, causality, equality with a plain "
            "reference, decoding) before any training",
            "Trained models were asked for predictions by other jobs, which knew neither seed nor "
            "data of the training, and a trial whose answers change with later tokens fails",
        ),
        "objective": Wording(
            "objective",
            "objectives",
            "the laws of objectives (a finite loss that reaches every weight, the plain model, "
            "repetition, learning one batch) before any training",
            "The loss alone is its own: the model, its training steps and the selection of the "
            "rate are as for the other arms, and the jobs that answered ran none of this code",
            "An",
        ),
        "task": Wording(
            "task",
            "tasks",
            "the laws of tasks, tried outside on what it drew (bounds, repetition, sequences that "
            "differ, one answer to each, chance as stated) before any training",
            "Sequences were drawn there and nothing else was done; which of them train and which "
            "test was decided outside. A task can be made so that an architecture does well on it, "
            "so that what is found on it holds for it alone; trials were given what was drawn",
        ),
        "merge_method": Wording(
            "merge method",
            "merge methods",
            "the laws of merging (type and shape, finite values, repetition, a model merged with "
            "itself, the order of models) before any merge",
            "Merged models were asked for predictions by jobs that run none of this code",
        ),
    }
)


def told(story: Story) -> Passage:
    """Each file that an arm runs, with its digest, and pilots; nothing where there are none."""
    code = (part for seam in CODE_FOLDERS for part in _of_kind(story, seam))
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


def _of_kind(story: Story, seam: Seam) -> Passage:
    words, used = WORDS[seam], _used(story, ARGUMENTS[seam])
    authors = {name: author for name, author in _known(story, seam).items() if name in used}
    if not authors:
        return ()
    count = len(authors)
    return (
        Paragraph(
            heading=noun(
                count,
                f"{words.article} {words.one} of its own",
                f"{words.many.capitalize()} of its own",
            ),
            text=f"The code of {noun(count, f'this {words.one}', f'these {words.many}')} "
            f"{_whence(set(authors.values()))} and is not part of the product. "
            f"{noun(count, 'It was', 'They were')} read as text, imported in fresh jobs of the "
            f"sandbox alone, and held to {words.laws}. {words.use}; the answers stayed outside. "
            "The plans and the trials name the digest of the file, so that the evidence belongs "
            "to this code and no other:",
        ),
        Items(items=tuple(_line(seam, name, author) for name, author in authors.items())),
    )


def _whence(authors: set[str]) -> str:
    if authors == {""}:
        return "was brought with the question"
    if "" not in authors:
        return "was written by the mind of this run, before the plans that use it were frozen,"
    return "was brought with the question or written by the mind of this run,"


def _known(story: Story, seam: Seam) -> dict[str, str]:
    """Name -> its author, empty for whoever brought the question."""
    facts = story.facts.get(CODE_FOLDERS[seam], [])
    found = [fact for fact in facts if isinstance(fact, dict)] if isinstance(facts, list) else []
    return {str(fact["name"]): str(fact.get("author", "")) for fact in found}


def _used(story: Story, argument: str) -> set[str]:
    arms = (arm for plan in story.experiments.values() for arm in plan.arms)
    given = (arm.arguments.get(argument) for arm in arms)
    return {str(name) for own in given if isinstance(own, dict) for name in own}


def _line(seam: Seam, name: str, author: str) -> str:
    at = f"fact:{CODE_FOLDERS[seam]}.{name}"
    by = f" by {{{{{at}.author|text}}}}" if author else ""
    return (
        f"{{{{{at}.label|text}}}}, the {WORDS[seam].one} {{{{code:{name}}}}}{by}: the file "
        f"{{{{{at}.file|text}}}} in the folder of the run, with the digest "
        f"{{{{{at}.digest_in_words|text}}}}."
    )
