"""The blocks that were brought with the question: which code they are, and how it was treated."""

from __future__ import annotations

from agent.minds.playbook.story import Story, noun
from papers.draft import Passage
from papers.manuscript import Items, Paragraph


def told(story: Story) -> Passage:
    """Each block that an arm runs, with the digest of its file; nothing where none was brought."""
    names = [name for name in _brought(story) if name in _used(story)]
    if not names:
        return ()
    one = len(names) == 1
    return (
        Paragraph(
            heading=noun(len(names), "A block that was brought", "Blocks that were brought"),
            text=f"The code of {noun(len(names), 'this block', 'these blocks')} was brought with "
            f"the question and is not part of the product. {'It was' if one else 'They were'} read "
            "as text, imported in fresh jobs of the sandbox alone, and held to the laws of blocks "
            "(shape, finite gradients, causality, equality with a plain reference, decoding) "
            "before any training. Models were asked for predictions there; the answers stayed "
            "outside. The plans and the trials name the digest of the file, so that the evidence "
            "belongs to this code and no other:",
        ),
        Items(items=tuple(_line(name) for name in names)),
    )


def _brought(story: Story) -> list[str]:
    blocks = story.facts.get("blocks", [])
    found = blocks if isinstance(blocks, list) else []
    return [str(block["name"]) for block in found if isinstance(block, dict)]


def _used(story: Story) -> set[str]:
    arms = (arm for plan in story.experiments.values() for arm in plan.arms)
    given = (arm.arguments.get("own_blocks") for arm in arms)
    return {str(name) for own in given if isinstance(own, dict) for name in own}


def _line(name: str) -> str:
    at = f"fact:blocks.{name}"
    return (
        f"{{{{{at}.label|text}}}}, the block {{{{code:{name}}}}}: the file {{{{{at}.file|text}}}} "
        f"in the folder of the run, with the digest {{{{{at}.digest_in_words|text}}}}."
    )
