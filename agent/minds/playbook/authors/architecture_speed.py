"""How the speeds of a run were compared, where any were."""

from __future__ import annotations

from agent.minds.playbook.story import Story
from papers.draft import Passage
from papers.effect import SPEEDUP
from papers.manuscript import Paragraph
from sandbox.records import EvidenceLine

TOOL = "compare_speed"
HOW = {
    "speedup_batch_1": ", writing sequences singly,",
    "speedup_batch_16": ", writing many sequences at once,",
}


def reached(metric: str, treatment: str, control: str, first: str, second: str) -> str:
    """What was measured for both sides, as a clause."""
    return (
        f"the mean speed-up at matched quality{HOW.get(metric, '')} is {first} times for "
        f"{treatment} and {second} times for {control}"
    )


def is_speed(metric: str) -> bool:
    """Whether the metric sets a speed against a baseline's."""
    return metric.startswith(SPEEDUP)


def times_compared(story: Story) -> bool:
    """Whether an arm of the run compares speeds."""
    return any(arm.tool == TOOL for plan in story.experiments.values() for arm in plan.arms)


def times_measured(story: Story) -> bool:
    """Whether any trial of such an arm ended well."""
    return any(is_speed(line.metric) for line in story.ledger.lines(EvidenceLine))


def speed(story: Story) -> Passage:
    """Quality first, then speed; nothing where no arm compares speeds."""
    if not times_compared(story):
        return ()
    return (
        Paragraph(
            heading="Speed",
            text="An arm that compares speeds trains a contender and a baseline on the same text, "
            "for as many steps at the same rates, and lets both continue prompts that neither was "
            "trained on. Quality is matched when unseen text costs the contender no more bits for "
            "each character than the baseline, within a small margin that all plans share. Where a "
            "model has but a bound of its likelihood, as diffusion has {{citep:sahoo2024mdlm}}, a "
            "smoothed n-gram model of the training text judges what both wrote instead. A judge "
            "praises a text that repeats itself, so the entropy and the distinct n-grams of what "
            "was written have to come near those of as much real text, or quality counts as not "
            "matched. A speed-up is the number of characters that the contender writes in a "
            "second, divided by that of the baseline, and counts as none where quality is not "
            "matched. Both keep their caches and are timed in turns, in a single thread, after a "
            "round that warms up, and the median of the rounds counts; taking the prompt in is "
            "timed apart. The control repeats the measurement with the baseline in both places, "
            "which gives what the clock alone gives.",
        ),
    )


def limits_of_times(story: Story) -> str:
    """What the paper may say of time, within the limitation of cost."""
    if not times_compared(story):
        return "Times are not compared"
    return (
        "Times are compared only between a contender and its baseline, on this machine and at the "
        "context that the plan names, and quality is judged within the length that was trained on"
    )
