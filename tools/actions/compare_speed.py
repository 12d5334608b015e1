"""Train a contender and a baseline on the same text; time both writing, at matched quality."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from sandbox.records import Split
from tools.actions.compress_architecture import Form, in_form
from tools.actions.train_architecture import LIMITS, course, measures_of, sized, view_of
from tools.architectures.architecture import Architecture
from tools.architectures.training_arguments import ObjectiveChoice, TrainArchitectureArguments
from tools.bench import Bench
from tools.tasks.sequence import find_sequence_task
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from tools.architectures.race import Entrant, Finish, Track
    from tools.architectures.writer import Text, Writer
    from tools.tasks.task import TaskView

READS = 2
"""Times that a prompt is read for timing, after one that warms up."""
BATCHES = (1, 16)
"""Those that tools/measures.py has names for."""
PROMPTS = 4
"""A quarter of the length that was trained on is the prompt of a judged text."""
STEP_S, NUMBER_S = 3e-4, 1e-9
"""Of decoding, for first estimates: a layer's own time, and that of each remembered number."""
MOST_NOTES = 20
TWICE = frozenset({"block_diffusion"})
"""Objectives that pass every sequence through the model twice."""


class CompareSpeedArguments(TrainArchitectureArguments):
    """Its control is the call whose contender is the baseline: what repeating a measurement gives.

    Both are trained on the task's text for as many steps, at the same rates. architecture,
    objective: the contender's. form: of the contender's weights, once trained. context: tokens
    before the timed writing; quality is judged within the length that was trained on.
    """

    architecture: Architecture
    baseline: Architecture
    baseline_objective: ObjectiveChoice = ObjectiveChoice()
    per_pass: int = Field(1, ge=1, le=64, description="tokens a pass, of a contender that fills in")
    order: Literal["confidence", "random"] = Field("confidence", description="of filling in")
    temperature: float = Field(1.0, gt=0, le=4, description="of both")
    form: Form | Literal["whole"] = "whole"
    context: int = Field(64, ge=1, le=65_536)
    timed: int = Field(32, ge=8, le=4096, description="tokens to write for each timing")
    repeats: int = Field(5, ge=3, le=25, description="timings, after one that warms up")

    @model_validator(mode="after")
    def _no_code_of_its_own(self) -> CompareSpeedArguments:
        if self.code():
            raise ValueError("code that is not built in runs in the process that would time it")
        return self

    @property
    def alike(self) -> bool:
        """Whether both sides are one training."""
        same = self.architecture == self.baseline and self.objective == self.baseline_objective
        return same and self.match is None

    def cost_s(self) -> float:
        """CPU seconds of the trainings and of the timings."""
        contender = self.training_s(self.architecture.width, self.architecture.passes)
        baseline = self.training_s(self.baseline.width, self.baseline.passes)
        trained = baseline + (1 + (self.objective.name in TWICE)) * contender * (not self.alike)
        layers = self.architecture.passes + self.baseline.passes
        held = sum(BATCHES) * self.context * self.baseline.width
        step_s = layers * (len(BATCHES) * STEP_S + held * NUMBER_S)
        steps = READS + 1 + self.timed * (self.repeats + 1)
        return trained + steps * step_s


@tool("compare_speed", place="sandbox", cpu_s=60.0, policy=LIMITS)
def compare_speed(arguments: CompareSpeedArguments, bench: Bench) -> TrialResult:
    """Train a contender and a baseline on one text; how much faster it writes at equal quality."""
    from tools.architectures.decode import Sampling
    from tools.architectures.race import race
    from tools.architectures.writer import Text
    from tools.tasks.asked import prompts_of

    view = view_of(arguments, bench)
    task, size = find_sequence_task(arguments.task), arguments.drawn_size
    text = Text.of(task, size, bench.seed, prompts_of(view.test)[0])
    baseline = _taught(text, arguments.baseline, arguments.baseline_objective, arguments)
    contender, matched = baseline, None
    if not arguments.alike:
        architecture, matched = sized(arguments, size)
        assert isinstance(architecture, Architecture)
        contender = _taught(text, architecture, arguments.objective, arguments)
    how = Sampling(arguments.temperature, arguments.per_pass, arguments.order)
    form = arguments.form
    smaller = in_form(contender.model, form) if form != "whole" else None
    mine = contender.entrant(text, how, smaller)
    theirs = baseline.entrant(text, Sampling(arguments.temperature))
    finish = race(mine, theirs, _track(text, arguments))
    measures = measures_of(contender.found, arguments) | _measured(finish, mine, theirs)
    del measures["dev_accuracy"]  # what dev chooses by here are bits
    lines = [f"matched {matched.sentence}"] if matched is not None else []
    return TrialResult(
        predictions=_answers(mine, text, view) if mine.exact else {},
        steps=int(measures["training_steps"]),
        measures={name: value for name, value in measures.items() if math.isfinite(value)},
        notes=(lines + _notes(finish))[:MOST_NOTES],
    )


def _taught(
    text: Text, candidate: Architecture, chosen: ObjectiveChoice, arguments: CompareSpeedArguments
) -> Writer:
    from tools.architectures.objective import find_objective
    from tools.architectures.writer import taught

    one = course(arguments, arguments.rates[0])
    found = find_objective(chosen.name)
    return taught(text, candidate, found, chosen.parameters, arguments.rates, one)


def _track(text: Text, arguments: CompareSpeedArguments) -> Track:
    from tools.architectures.race import Track

    given = text.size.length // PROMPTS
    return Track(
        vocabulary=text.size.vocabulary,
        known=text.known,
        unseen=text.unseen,
        prompts=text.windows[:, :given],
        written=text.size.length - given,
        context=arguments.context,
        timed=arguments.timed,
        batches=BATCHES,
        repeats=arguments.repeats,
        reads=READS,
    )


def _answers(entrant: Entrant, text: Text, view: TaskView) -> dict[str, dict[Split, list[str]]]:
    """What an exact model says of the test, to be marked in bits."""
    from tools.architectures.exam import Exam

    exam = Exam.of(find_sequence_task(view.name), text.size, text.train)
    return {view.name: {"test": exam.predictions(entrant.contender.model, view.test)}}


def _measured(finish: Finish, contender: Entrant, baseline: Entrant) -> dict[str, float]:
    """What tools/measures.py has names for; infinite or no numbers are left out later."""
    mine, theirs = finish.contender, finish.baseline
    found: dict[str, float] = {
        "quality_matched": float(not finish.against),
        "degenerate": float(bool(mine.quality.problems)),
        "text_bits": contender.bits,
        "judged_bits": mine.quality.judged_bits,
        "baseline_text_bits": baseline.bits,
        "baseline_judged_bits": theirs.quality.judged_bits,
        "cache_bytes_per_token": mine.pace(1).cache_bytes_per_token,
        "baseline_cache_bytes_per_token": theirs.pace(1).cache_bytes_per_token,
        "timing_spread": max(pace.spread for pace in (*mine.paces, *theirs.paces)),
    }
    for batch in BATCHES:
        speed = mine.pace(batch).decode_tokens_per_s
        found |= {
            f"speedup_batch_{batch}": finish.speedup(batch),
            f"decode_ratio_batch_{batch}": finish.decode_ratio(batch),
            f"decode_tokens_per_s_batch_{batch}": speed,
            f"decode_s_per_token_batch_{batch}": batch / speed,
            f"prefill_ratio_batch_{batch}": finish.prefill_ratio(batch) or math.nan,
        }
    return found


def _notes(finish: Finish) -> list[str]:
    """Why speed-ups are 0, and what was timed."""
    lines = [f"no speed-up is claimed: {reason}" for reason in finish.against]
    for name, run in (("contender", finish.contender), ("baseline", finish.baseline)):
        for pace in run.paces:
            read = f"{pace.prefill_tokens_per_s:.0f}" if pace.prefill_tokens_per_s else "nothing"
            lines.append(
                f"{name}, batch {pace.batch}, after {pace.context} tokens: reads {read} and writes "
                f"{pace.decode_tokens_per_s:.0f} tokens/s in {pace.passes} passes, "
                f"spread {pace.spread:.2f}"
            )
    return lines
