"""Method, set-up and related work, as the built-in mind writes them."""

from __future__ import annotations

import re
from importlib.resources import files

from agent.minds.playbook.authors.author import Author
from agent.minds.playbook.story import Story
from papers.draft import Passage
from papers.manuscript import Paragraph

_HEADING = re.compile(r"^\*\*(.+?)\.?\*\*\s*", re.DOTALL)


def related_work(author: Author) -> Passage:
    """The paragraphs of the domain's file in text/; `**Heading.**` becomes a run-in heading."""
    text = (files("agent.minds.playbook") / "text" / author.related_work).read_text(
        encoding="utf-8"
    )
    return tuple(_paragraph(block) for block in text.split("\n\n") if block.strip())


def method(author: Author, story: Story) -> Passage:
    """What was built and tuned, and how a hypothesis is decided."""
    return (*author.method(story), *_deciding(story))


def _deciding(story: Story) -> Passage:
    """The rule that turns pairs into a verdict, and what it refuses."""
    return (
        Paragraph(
            heading="Deciding a hypothesis",
            text="A plan names a treatment, a control, one metric and the paired seeds. The effect "
            "is the mean difference between treatment and control over the pairs. "
            f"{'An exact' if story.exact else 'A'} sign-flip test "
            "{{citep:phipson2010permutation}} in the predicted direction"
            f"{'' if story.exact else ', with random signs where all would be too many,'} asks "
            "whether the effect exceeds a null value, and a second one whether it falls short of "
            "the predicted value. Both families of tests are corrected over all hypotheses of the "
            f"run{' but those of the gate' if story.gated else ''} with Holm's method "
            "{{citep:holm1979simple}}. A hypothesis is supported when the "
            "first test passes and the mean effect reaches the prediction, refuted when the second "
            "passes, and otherwise undecided; an undecided test is not evidence of absence "
            "{{citep:altman1995absence}}. Intervals are bootstrap intervals over the pairs "
            "{{citep:efron1993introduction}} at the level {{fact:confidence|%}}. When a control "
            "consists of several models, the best of them is taken for every seed on the test "
            f"items themselves, which favours the control.{_sensitivity(story)}",
        ),
        Paragraph(
            text=r"An exact test over $n$ pairs cannot give a $p$ below $2^{-n}$. The number of "
            "seeds is therefore bounded by the test: a plan whose test cannot reach its level "
            "after the correction is refused before it is frozen, and so is a plan whose treatment "
            "and control have both been measured already.",
        ),
    )


def _sensitivity(story: Story) -> str:
    """What a claim of no loss needs beside its test, where one was made."""
    if not any(plan.test.least_control > 0 for plan in story.experiments.values()):
        return ""
    return (
        " A claim of no loss also needs a control that learned something: its mean has to lie "
        "above chance by a multiple of the margin that the plan fixes, or the hypothesis is left "
        "undecided."
    )


def setup(author: Author, story: Story) -> Passage:
    """Subject, pairing, baselines, confinement, machine: what a reader needs to repeat the run."""
    return (
        author.subject(story),
        Paragraph(
            heading="Execution",
            text="Every trial, that is an arm with a seed, ran as a job of its own under the "
            "sandbox level {{fact:sandbox.level|text}}. "
            + _confinement(story)
            + " A trial returns "
            "predictions; they were scored outside, where the test labels are. The run was "
            f"conducted without intervention by {_mind(story)}, on the machine and within the "
            "budget of "
            "{{ref:tab:setup}}.",
        ),
    )


def _mind(story: Story) -> str:
    """Who decided, within a sentence."""
    mind = story.facts["mind"]
    if isinstance(mind, dict) and mind.get("model"):
        return (
            "the mind {{fact:mind.name|text}}, which asked the language model "
            "{{fact:mind.model|text}} and took the built-in mind for what that model could not do"
        )
    return "the built-in mind {{fact:mind.name|text}}, which uses no language model and no network"


def _confinement(story: Story) -> str:
    if not story.confined:
        return (
            "This level is unconfined: trials could read files and reach the network, and the "
            "values below rest on trust in their code."
        )
    degraded = f" It is a degraded level: {'; '.join(story.degraded_by)}." * bool(story.degraded_by)
    return (
        "It denies the network, shows a read-only system, and limits time, memory, processes and "
        f"disk; what the machine really enforces was probed before the first trial.{degraded}"
    )


def _paragraph(block: str) -> Paragraph:
    match = _HEADING.match(block.strip())
    if match is None:
        return Paragraph(text=block.strip())
    return Paragraph(heading=match.group(1), text=block.strip()[match.end() :])
