"""Train a model that thinks in ticks: first every tick alike, then the ticks that count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from tools.architectures.thinker import Thinker, asked_every_tick_loss, asked_tick_loss
from tools.architectures.train import Course, Loss, Trained, train
from tools.kept import Kept
from tools.tasks.sequence import Batch


@dataclass(frozen=True)
class Lesson:
    """A course and what it minimises."""

    course: Course
    loss: Loss


def lessons_of(course: Course, early: float) -> tuple[Lesson, ...]:
    """The share `early` of the course's steps on every tick, the rest on the tick loss.

    Each has a schedule of its own. Without the first, a model that has learned nothing yet can stay
    at answering one class early and another late.
    """
    first = round(early * course.steps)
    wanted = ((first, asked_every_tick_loss), (course.steps - first, asked_tick_loss))
    return tuple(Lesson(replace(course, steps=steps), loss) for steps, loss in wanted if steps)


def teach(
    model: nn.Module, data: Batch, course: Course, seed: int, kept: Kept | None = None
) -> Trained:
    """The lessons of the model's own specification, as `train` trains other models."""
    assert isinstance(model, Thinker)
    return taught(model, data, lessons_of(course, model.spec.early), seed, kept)


def taught(
    model: nn.Module, data: Batch, lessons: Sequence[Lesson], seed: int, kept: Kept | None = None
) -> Trained:
    """Train in place, one lesson after another, as one training; it ends where one diverges.

    The course is that of the last lesson. kept: where they are kept, each in a file of its own.
    """
    parts: list[Trained] = []
    for number, lesson in enumerate(lessons, 1):
        place = kept.part(f"lesson-{number}") if kept is not None else None
        parts.append(train(model, data, lesson.course, seed, lesson.loss, place))
        if parts[-1].diverged:
            break
    done = parts[0]
    for part in parts[1:]:
        done = _joined(done, part)
    return done


def _joined(before: Trained, after: Trained) -> Trained:
    curve = tuple(
        replace(point, step=point.step + before.steps, seconds=point.seconds + before.seconds)
        for point in after.curve
    )
    plateaus = tuple(
        replace(plateau, since=plateau.since + before.steps, until=plateau.until + before.steps)
        for plateau in after.plateaus
    )
    return replace(
        after,
        curve=before.curve + curve,
        steps=before.steps + after.steps,
        seconds=before.seconds + after.seconds,
        plateaus=before.plateaus + plateaus,
    )
