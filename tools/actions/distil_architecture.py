"""Train teachers on labels, then a student on what they say and on labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from sandbox.errors import BadInput
from tools.actions.train_architecture import LIMITS, Swept, course, reported, sized, view_of
from tools.architectures.apart import ANSWER
from tools.architectures.architecture import Architecture
from tools.architectures.training_arguments import (
    Entry,
    ObjectiveChoice,
    TrainArchitectureArguments,
)
from tools.bench import Bench
from tools.tasks.sequence import find_sequence_task
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import nn

    from tools.architectures.objectives.distillation import Distillation
    from tools.architectures.sweep import Sweep
    from tools.architectures.teachers import Teachers

READING = 1 / 3
"""Of a training step's work, what a forward pass is."""


class TeacherChoice(Entry):
    """What teaches: one model, or one for each domain where the task has several."""

    architecture: Architecture
    steps: int = Field(400, ge=1, le=2_000_000, description="of each teacher at each rate")


class DistilArchitectureArguments(TrainArchitectureArguments):
    """Its control is train_architecture with the same student and all else equal.

    The student takes as many steps on the same batches; the teachers' training comes on top and is
    reported. They learn from labels at the same rates, each from its own domain's sequences.
    """

    architecture: Architecture = Field(description="the student")
    teacher: TeacherChoice
    objective: ObjectiveChoice = ObjectiveChoice(name="distillation")

    def cost_s(self) -> float:
        """CPU seconds of teachers and student at every rate."""
        student, teacher = self.architecture, self.teacher.architecture
        lesson = self.training_s(teacher.width, teacher.passes)
        taught = self.training_s(student.width, student.passes) + READING * lesson
        teachers = find_sequence_task(self.task).domains
        return taught + teachers * lesson * self.teacher.steps / self.steps


@tool("distil_architecture", place="sandbox", cpu_s=120.0, policy=LIMITS, answer=ANSWER, keeps=True)
def distil_architecture(arguments: DistilArchitectureArguments, bench: Bench) -> TrialResult:
    """Train a teacher, or one a domain, then a student on what they say and on labels; answer."""
    import torch

    from tools.architectures.exam import Exam
    from tools.architectures.new_backbone import drawn
    from tools.architectures.sweep import check_rates, sweep
    from tools.architectures.teachers import ByDomain, trained_teachers

    view_of(arguments, bench)
    check_rates(arguments.rates)
    aim, rates, seed = _aim(arguments), arguments.rates, bench.seed
    task, size = find_sequence_task(arguments.task), arguments.drawn_size
    train, dev = (task.data(part, seed, size) for part in ("train", "dev"))
    exam, data = Exam.of(task, size, train), ByDomain.of(task, size, train, dev)
    student, matched = sized(arguments, size)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    one = course(arguments, rates[0])
    lesson = replace(one, steps=arguments.teacher.steps)
    untaught = arguments.teacher.architecture
    teachers = trained_teachers(exam, untaught, data, rates, lesson, seed, device, bench.kept)
    taught = aim.taught_by(teachers.models, data.domain_of)

    def candidate() -> nn.Module:
        return drawn(lambda: exam.candidate(taught, student), seed).to(device)

    found = sweep(candidate, rates, one, train, dev, seed, taught.loss, exam.fit, kept=bench.kept)
    lines = [f"matched {matched.sentence}"] if matched is not None else []
    done = Swept(found, exam, student, lines + teachers.lines())
    return reported(done, arguments, bench, _with_teachers(teachers, found, arguments))


def _aim(arguments: DistilArchitectureArguments) -> Distillation:
    """The objective, which has to be one that teachers take part in. Raises BadInput."""
    from tools.architectures.objective import find_objective
    from tools.architectures.objectives.distillation import Distillation

    aim = find_objective(arguments.objective.name).make(arguments.objective.parameters)
    if not isinstance(aim, Distillation):
        raise BadInput(
            f"distil_architecture: {arguments.objective.name} has no teachers",
            "use the objective distillation, or the tool train_architecture",
        )
    return aim


def _with_teachers(
    teachers: Teachers, found: Sweep, arguments: DistilArchitectureArguments
) -> dict[str, float]:
    """What teaching costs: the teachers' own trainings apart, their answers with the student's."""
    from tools.architectures.counts import flops_per_token

    best, size = found.best.trained, arguments.drawn_size
    tokens = best.steps * arguments.step_tokens()
    learning = round(flops_per_token(best.model, size.length, backward=True))
    return {
        "training_flops": tokens * (learning + round(teachers.answer_flops)),
        "teachers": len(teachers.best),
        "teacher_training_flops": teachers.flops,
        "teacher_training_s": teachers.seconds,
        "teacher_dev_accuracy": teachers.accuracy,
    }
