"""What to ask about architectures after an answer: on other tasks, with more training."""

from __future__ import annotations

from dataclasses import replace

from agent.minds.playbook import pushing
from agent.minds.playbook.architectures import arms, searches, taught, tick_arms
from agent.minds.playbook.family import Idea, Setting
from agent.minds.playbook.followups import lower
from tools.experiment import Arm
from tools.tasks.sequence import find_sequence_task


def improve(idea: Idea, at: Setting) -> Idea | None:
    """The same with more steps; not of arms that take fewer than usual, which would then be usual.

    That would be an arm of another question under a second name.
    """
    usual = arms.SCALES[arms.size_of(at)].steps
    as_usual = all(arm.arguments.get("steps", usual) == usual for arm in idea.arms)
    return pushing.improve(idea, at) if as_usual else None


def generalise(idea: Idea, at: Setting) -> Idea | None:
    """The same question on another task of the suite that is not held back."""
    asked = (*idea.tasks, at.subject.primary)
    others = [
        card.name
        for card in at.subject.cards
        if card.name not in asked and not _held_back(card.name) and _takes(idea, card.name)
    ]
    if not others:
        return None
    task = others[0]
    found = _moved(idea, at, task)
    return replace(
        found,
        title=f"Generalisation: {lower(idea.title)}, also {arms.where(at, task)}",
        statement=f"Trained and tested {arms.where(at, task)} instead: {_there(idea, at)}",
        rationale="A finding on a single task says little of another "
        "{{citep:bouthillier2021variance}}, so the task is changed and the prediction kept.",
        cites=("bouthillier2021variance",),
    )


def promote(idea: Idea, at: Setting) -> Idea | None:
    """The same question on the task that was held back from everything before."""
    held = [c.name for c in at.subject.cards if _held_back(c.name) and _takes(idea, c.name)]
    if not held:
        return None
    moved, home = _moved(idea, at, held[0]), _home(idea)
    how = "Found as before, trained" if searches.searches(idea.treatment[0]) else "Trained"
    return replace(
        moved,
        treatment=tuple(_confirmed(at, arm, home) for arm in moved.treatment),
        control=tuple(_confirmed(at, arm, home) for arm in moved.control),
        title=f"Promotion: {lower(idea.title)}, on the task held back",
        statement=f"{how} and tested on the task held back instead: {_there(idea, at)}",
        rationale="What was chosen on some tasks is confirmed on a task that it could not be "
        "chosen for {{citep:kapoor2023leakage}}.",
        cites=("kapoor2023leakage",),
    )


def _confirmed(at: Setting, arm: Arm, home: str) -> Arm:
    return arms.named(at, searches.confirmed_on(arm, home))


def _there(idea: Idea, at: Setting) -> str:
    """The statement after a colon that has named another task than the idea's own."""
    return lower(idea.statement.replace(arms.where(at, _home(idea)), "there"))


def _home(idea: Idea) -> str:
    """The task that the idea is about."""
    return str(idea.treatment[0].arguments["task"])


def _moved(idea: Idea, at: Setting, task: str) -> Idea:
    """All arms trained on another task."""
    move = tick_arms.on if _thinks(idea) else arms.on
    return replace(
        idea,
        treatment=tuple(move(at, arm, task) for arm in idea.treatment),
        control=tuple(move(at, arm, task) for arm in idea.control),
        baselines=(),
        tasks=(task,),
    )


def _takes(idea: Idea, task: str) -> bool:
    """Whether all its arms can be trained on that task, and are measured there as before.

    A measure is kept beside the primary task alone, and a task in bits has no accuracy.
    """
    if idea.metric != "accuracy" or find_sequence_task(task).scored != "accuracy":
        return False
    compared = (*idea.treatment, *idea.control)
    if not all(taught.fits(arm, task) for arm in compared):
        return False
    return not _thinks(idea) or task in tick_arms.TASKS


def _thinks(idea: Idea) -> bool:
    return any(tick_arms.thinks(arm) for arm in (*idea.treatment, *idea.control))


def _held_back(task: str) -> bool:
    return find_sequence_task(task).held_back
