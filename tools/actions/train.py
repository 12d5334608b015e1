"""Train one of the miniature's models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.bench import Bench
from tools.tool import tool
from tools.trial import TrialResult


class TrainArguments(BaseModel):
    """Which course is taken, and from which weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str = Field(description="role whose course is taken", min_length=1)
    start: str = Field("", description="role that the weights start from; empty: a new model")
    profile: Literal["standard", "quick", "long"] = "standard"

    def needs(self) -> tuple[str, ...]:
        """Roles whose checkpoints the call reads."""
        return (self.start,) if self.start else ()


@tool("train", place="sandbox", cpu_s=5.0)
def train(arguments: TrainArguments, bench: Bench) -> TrialResult:
    """Train one of the built-in miniature's models, from scratch or from another."""
    from transformers.utils import logging

    from tools.merging.profile import find_profile
    from tools.merging.train import course_of, new_model, new_tokenizer
    from tools.merging.train import train as take_steps
    from tools.merging.words import numbers_in
    from tools.tasks.answer import Speaker

    course = course_of(arguments.role, find_profile(arguments.profile))
    if arguments.start:
        model = Speaker.load(bench.models[arguments.start]).model.train()
    else:
        model = new_model(bench.seed, arguments.role)
    held_out = [
        numbers_in(prompt)
        for view in bench.tasks.values()
        for prompt in (*(i.prompt for i in view.dev), *(q.prompt for q in view.test))
    ]
    take_steps(model, course, bench.seed, arguments.role, held_out)
    tokenizer = new_tokenizer()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model.save_pretrained(bench.work / "model")
    tokenizer.save_pretrained(bench.work / "model")
    predictions = Speaker(model.eval(), tokenizer).predict_all(bench.tasks)
    return TrialResult(predictions=predictions, steps=course.steps)
