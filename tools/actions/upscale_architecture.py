"""Train a shallow model, make it deeper, train on: at the cost of the deep one from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sandbox.errors import BadInput
from tools.actions.train_architecture import LIMITS, Swept, course, reported
from tools.architectures.apart import ANSWER
from tools.architectures.architecture import Architecture
from tools.architectures.training_arguments import TrainingArguments
from tools.bench import Bench
from tools.tasks.sequence import find_sequence_task
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import nn

    from tools.architectures.growth import Grown


class UpscaleArchitectureArguments(TrainingArguments):
    """Its control is train_architecture with the deep architecture and all else equal.

    steps: of that control; the two stages here spend as many operations together, of which `share`
    go to the shallow stage. Both stages peak at the same rate.
    """

    architecture: Architecture = Field(description="the shallow one")
    scheme: Literal["seam", "stack", "repeat"] = Field(
        "seam", description="two copies less `dropped` layers each at the seam, as SOLAR; or copies"
    )
    dropped: int = Field(0, ge=0, le=32)
    copies: int = Field(2, ge=2, le=8, description="of the stack, or of each layer")
    share: float = Field(0.4, gt=0, lt=1, description="of the operations, for the shallow stage")

    def cost_s(self) -> float:
        """CPU seconds, as of the deep model at every rate."""
        passes = self.architecture.passes
        deep = 2 * (passes - self.dropped) if self.scheme == "seam" else passes * self.copies
        return self.training_s(self.architecture.width, max(1, deep))


@tool("upscale_architecture", place="sandbox", cpu_s=60.0, policy=LIMITS, answer=ANSWER, keeps=True)
def upscale_architecture(arguments: UpscaleArchitectureArguments, bench: Bench) -> TrialResult:
    """Train a shallow model, up-scale its depth, continue, at each learning rate; answer."""
    import torch

    from tools.architectures.exam import Exam
    from tools.architectures.growth import Plan, grow
    from tools.architectures.new_backbone import drawn
    from tools.architectures.objective import find_objective
    from tools.architectures.sweep import Attempt, Sweep, check_rates, place_of
    from tools.architectures.upscale import Upscaling

    if arguments.task not in bench.tasks:
        known = ", ".join(bench.tasks)
        raise BadInput(f"upscale_architecture: unknown task {arguments.task!r}", f"known: {known}")
    check_rates(arguments.rates)
    task, size = find_sequence_task(arguments.task), arguments.drawn_size
    train, dev = (task.data(part, bench.seed, size) for part in ("train", "dev"))
    exam = Exam.of(task, size, train)
    aim = find_objective(arguments.objective.name).make(arguments.objective.parameters)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def shallow() -> nn.Module:
        return drawn(lambda: exam.candidate(aim, arguments.architecture), bench.seed).to(device)

    upscaling = Upscaling(arguments.scheme, arguments.dropped, arguments.copies)
    plan = Plan.of(
        shallow(), upscaling, arguments.steps, arguments.share, arguments.step_tokens(), size.length
    )
    grown, attempts = [], []
    for rate in arguments.rates:
        one = course(arguments, rate)
        model = shallow()
        place = place_of(bench.kept, rate, model, 2 * len(arguments.rates))
        grown.append(grow(model, plan, train, one, bench.seed, aim.loss, place))
        deep = grown[-1].deep
        attempts.append(Attempt(rate, deep, exam.fit(deep.model, dev)))
    found = Sweep(tuple(attempts))
    order = upscaling.order(len(arguments.architecture.layers))
    lines = ["layers " + " ".join(str(number + 1) for number in order), plan.sentence]
    kept = grown[attempts.index(found.best)]
    done = Swept(found, exam, upscaling.architecture(arguments.architecture), lines)
    return reported(done, arguments, bench, _of_both(kept, arguments))


def _of_both(grown: Grown, arguments: UpscaleArchitectureArguments) -> dict[str, float]:
    """What the two stages add up to."""
    return {
        "training_steps": grown.steps,
        "training_tokens": grown.steps * arguments.step_tokens(),
        "training_flops": grown.flops,
        "training_s": grown.seconds,
        "diverged": float(grown.shallow.diverged or grown.deep.diverged),
    }
