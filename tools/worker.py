"""Run one trial inside its sandbox: read the call, run the tool, write `result.json`.

    python -P -m tools.worker INPUTS WORK

Searches print one JSON line an evaluation, so the harness has them even when the trial is cut
short.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from sandbox.errors import BadInput, HanjiError
from sandbox.records import Seam
from tools.bench import Bench
from tools.kept import KEPT, Kept
from tools.load_code import load_code
from tools.own_code import input_of
from tools.tasks.brought import bring_view
from tools.tasks.task import TaskView
from tools.tool import RunsCode, Tool, find_tool
from tools.trial import SearchPoint, Step, TrialResult

_VIEW = TypeAdapter(TaskView)


class Call(BaseModel):
    """`call.json`. journal: evaluations of an interrupted earlier attempt.

    keep_s: seconds of training between two checkpoints, 0 where none is kept. goes_on: whether the
    inputs hold checkpoints of an interrupted earlier attempt. step: `whole` does all of it, `make`
    leaves weights for another job, `answer` is that job; it is told no seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    arguments: dict[str, JsonValue]
    seed: int = 0
    step: Step = "whole"
    roles: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    journal: tuple[SearchPoint, ...] = ()
    keep_s: float = Field(default=0.0, ge=0)
    goes_on: bool = False


def main(inputs: Path, work: Path) -> None:
    """Run the call in `inputs`, leave `result.json` in `work`. Raises HanjiError on a bad call."""
    import torch

    torch.set_num_threads(1)
    call = Call.model_validate_json((inputs / "call.json").read_bytes())
    action = find_tool(call.tool)
    bench = Bench(
        seed=call.seed,
        models={role: inputs / "models" / role for role in call.roles},
        tasks={name: read_view(inputs / "tasks" / f"{name}.json") for name in call.tasks},
        work=work,
        journal=in_order(call.journal),
        note=_print_point,
        apart=call.step == "make",
        kept=_kept(call, inputs, work),
    )
    for view in bench.tasks.values():
        bring_view(view)
    arguments = action.check(call.arguments)
    if call.step == "answer":
        result = _answered(action, arguments, bench, inputs)
    else:
        _bring(arguments, inputs)
        result = action.function(arguments, bench)
    assert isinstance(result, TrialResult)
    shutil.rmtree(work / KEPT, ignore_errors=True)
    part = work / "result.json.part"
    part.write_text(result.model_dump_json(), encoding="utf-8")
    part.rename(work / "result.json")


def _kept(call: Call, inputs: Path, work: Path) -> Kept | None:
    """Where trainings are kept, with those of an interrupted attempt in their places."""
    if not call.keep_s:
        return None
    if call.goes_on:
        shutil.copytree(inputs / KEPT, work / KEPT)
    return Kept(work / KEPT / "training.safetensors", call.keep_s)


def _answered(action: Tool, arguments: BaseModel, bench: Bench, inputs: Path) -> BaseModel:
    """What the weights of the trial's first job answer. Raises BadInput for a tool without."""
    if action.answer is None:
        raise BadInput(f"{action.name} answers in its own job", "run the whole call")
    _bring(arguments, inputs, action.answer.seams)
    return action.answer.function(arguments, bench)


def _bring(arguments: BaseModel, inputs: Path, seams: tuple[Seam, ...] | None = None) -> None:
    """Import the files that the call brings along, all or those of some kinds.

    Their code is not trusted from here on.
    """
    if not isinstance(arguments, RunsCode):
        return
    for seam, name, digest in arguments.code():
        if seams is None or seam in seams:
            load_code(seam, inputs / input_of(seam, name), name, digest)


def preload() -> None:
    """Import what trials use, so that a process forked from this one starts at once."""
    import cma  # noqa: F401
    import torch
    from safetensors.torch import load_file  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401
    from transformers.models.llama import LlamaConfig, LlamaForCausalLM  # noqa: F401

    from tools.merging.method import all_methods
    from tools.tool import all_tools

    torch.set_num_threads(1)
    all_methods()
    all_tools()


def read_view(path: Path) -> TaskView:
    """A task as the harness wrote it: dev items with answers, test prompts without."""
    return _VIEW.validate_json(path.read_bytes())


def in_order(journal: tuple[SearchPoint, ...]) -> tuple[SearchPoint, ...]:
    """The evaluations 1, 2, ... as far as they have no gap, each once."""
    known = {point.evaluation: point for point in journal}
    whole: list[SearchPoint] = []
    while len(whole) + 1 in known:
        whole.append(known[len(whole) + 1])
    return tuple(whole)


def _print_point(point: SearchPoint) -> None:
    sys.stdout.write(point.model_dump_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except HanjiError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
