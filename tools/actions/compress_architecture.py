"""Train an architecture, make its weights smaller, answer with the smaller model."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field

from sandbox.errors import BadInput
from tools.actions.train_architecture import LIMITS, reported, swept, view_of
from tools.architectures.apart import ANSWER, answer
from tools.architectures.training_arguments import TrainArchitectureArguments
from tools.bench import Bench
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import nn


Form: TypeAlias = Literal["int8", "pruned"]


class CompressArchitectureArguments(TrainArchitectureArguments):
    """Its control is train_architecture with all else equal, whose very training it repeats.

    form: `int8` keeps matrices in whole numbers with a scale for each row; `pruned` leaves out the
    `share` of each matrix that is smallest in magnitude. Nothing is trained on afterwards.
    """

    form: Form
    share: float = Field(0.5, ge=0, lt=1, description="of pruned weights; without use for int8")


def _answer(arguments: CompressArchitectureArguments, bench: Bench) -> TrialResult:
    def small(model: nn.Module) -> nn.Module:
        return in_form(model, arguments.form, arguments.share)

    return answer(arguments, bench, small)


@tool(
    "compress_architecture",
    place="sandbox",
    cpu_s=60.0,
    policy=LIMITS,
    answer=replace(ANSWER, function=_answer),
    keeps=True,
)
def compress_architecture(arguments: CompressArchitectureArguments, bench: Bench) -> TrialResult:
    """Train at each learning rate, make the best model's weights smaller, answer the test."""
    from tools.architectures.packing import weight_bytes
    from tools.architectures.variant import effect
    from tools.tasks.asked import batch_of

    view = view_of(arguments, bench)
    done = swept(arguments, bench)
    whole = done.found.best.trained.model
    small = in_form(whole, arguments.form, arguments.share)
    changed = effect(whole, small, batch_of(view.dev), done.exam.fit)
    done.lines.append(
        f"{changed.saved:.1%} of the bytes saved, {changed.accuracy_lost:.4f} dev accuracy lost"
    )
    result = reported(done, arguments, bench, small=small)
    measures = result.measures | {
        "weight_bytes": weight_bytes(small),
        "dev_accuracy": changed.after.accuracy,
        "dev_loss": changed.after.cross_entropy,
    }
    finite = {name: value for name, value in measures.items() if math.isfinite(value)}
    return result.model_copy(update={"measures": finite})


def in_form(model: nn.Module, form: Form, share: float = 0.5) -> nn.Module:
    """A copy with smaller weights. Raises BadInput for a model that is not made of blocks."""
    from tools.architectures.backbone import Backbone
    from tools.architectures.pruning import pruned
    from tools.architectures.quantisation import quantised

    if not isinstance(model, Backbone):
        raise BadInput(
            f"the weights of {type(model).__name__} cannot be made smaller here",
            "use an architecture of blocks, and a task that is read at each position",
        )
    return quantised(model) if form == "int8" else pruned(model, share)
