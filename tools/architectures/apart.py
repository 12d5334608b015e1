"""A trained architecture that another job asks: what is left for it, and how it answers.

What is left is the resolved architecture and the weights. The rest of the model follows from the
call, which the harness writes, so nothing else passes from the job that trains to the one that
answers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from sandbox.collect import read_json
from sandbox.errors import BadInput, OutputRejected
from tools.answer import MADE, Answer
from tools.architectures.architecture import EXPANSION, Architecture, Choice
from tools.architectures.foreign import Candidate
from tools.architectures.own_block import look_ahead
from tools.architectures.training_arguments import TrainArchitectureArguments, TrainingArguments
from tools.atomic import write_atomically
from tools.bench import Bench
from tools.tasks.sequence import find_sequence_task
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import nn

    from tools.architectures.exam import Exam
    from tools.architectures.objective import Aim

ARCHITECTURE, WEIGHTS = "architecture.json", "model.safetensors"
_SEE = "see stderr.log in the trial's folder"
_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)


def leave(model: nn.Module, made: Candidate, folder: Path) -> None:
    """Write what another job needs to ask the model; shared weights are written once."""
    from safetensors.torch import save_model

    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, str(folder / WEIGHTS))
    write_atomically(folder / ARCHITECTURE, _CANDIDATE.dump_json(made).decode("utf-8"))


def answer(
    arguments: TrainingArguments, bench: Bench, form: Callable[[nn.Module], nn.Module] | None = None
) -> TrialResult:
    """What the model that was left says to the questions. form: what is made of it first."""
    questions = bench.tasks[arguments.task].test
    exam = _exam(arguments)
    model = _model(arguments, exam, bench.models[MADE])
    model = form(model) if form is not None else model
    return TrialResult(predictions={arguments.task: {"test": exam.predictions(model, questions)}})


def body(arguments: TrainingArguments) -> Aim:
    """The aim that makes the model: for one that is not built in, that of next tokens."""
    from tools.architectures.objective import find_objective
    from tools.architectures.objectives.next_token import NextToken

    if isinstance(arguments, TrainArchitectureArguments) and arguments.own_objectives:
        return NextToken()
    return find_objective(arguments.objective.name).make(arguments.objective.parameters)


def looks_back(arguments: TrainingArguments) -> bool:
    """Whether no answer may depend on a later token; each position answers for itself."""
    task = find_sequence_task(arguments.task)
    if not isinstance(arguments, TrainArchitectureArguments) or task.readout != "each":
        return False
    found = arguments.architecture
    if task.advance is not None or not isinstance(found, Architecture):
        return False
    ahead = look_ahead()
    return not any(layer.mixer.block in ahead for layer in found.layers if layer.mixer)


def check_architecture(arguments: TrainingArguments, folder: Path) -> None:
    """Raise OutputRejected when the architecture that was left is not the call's, but for its size.

    What a search or an up-scaling settles on is only read: no code that was brought takes part.
    """
    try:
        found = _CANDIDATE.validate_python(read_json(folder / ARCHITECTURE))
    except ValidationError as error:
        raise OutputRejected(f"{ARCHITECTURE} is no architecture", _SEE) from error
    if isinstance(arguments, TrainArchitectureArguments):
        given = arguments.architecture
        if found != given and (arguments.match is None or _sizeless(found) != _sizeless(given)):
            raise OutputRejected(f"{ARCHITECTURE} is not that of the call", _SEE)


ANSWER = Answer(
    answer,
    (ARCHITECTURE, WEIGHTS),
    seams=("block",),
    always=True,
    asks=lambda arguments: (arguments.task,),
    twins=looks_back,
    check=check_architecture,
)


def _sizeless(candidate: Candidate) -> object:
    """All of it that matching leaves alone; of one that thinks in ticks, its kind."""
    if not isinstance(candidate, Architecture):
        return type(candidate)
    layers = tuple(
        layer.model_copy(update={"channel": _plain(layer.channel)}) for layer in candidate.layers
    )
    return candidate.model_copy(update={"width": 4, "layers": layers})


def _plain(channel: Choice | None) -> Choice | None:
    if channel is None:
        return None
    kept = {name: value for name, value in channel.parameters.items() if name != EXPANSION}
    return Choice(block=channel.block, parameters=kept)


def _exam(arguments: TrainingArguments) -> Exam:
    """The call's, without its training sequences: those of any seed tell what is asked."""
    from tools.architectures.exam import Exam

    task, size = find_sequence_task(arguments.task), arguments.drawn_size
    return Exam.of(task, size, task.data("train", 0, size, 1))


def _model(arguments: TrainingArguments, exam: Exam, folder: Path) -> nn.Module:
    """Raises BadInput when what was left is no such model."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    from tools.architectures.new_backbone import drawn

    made = _CANDIDATE.validate_json((folder / ARCHITECTURE).read_bytes())
    model = drawn(lambda: exam.candidate(body(arguments), made), 0)
    try:
        load_model(model, folder / WEIGHTS)
    except (SafetensorError, RuntimeError) as error:
        raise BadInput(
            f"the weights that were left do not fit the architecture: {str(error)[:200]}",
            "a block makes all its weights when it is made, and the same ones every time",
        ) from error
    return model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu")).eval()
