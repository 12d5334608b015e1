"""A merged model that another job asks: its weights are left, and that job has no other code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from sandbox.records import Split
from tools.answer import MADE
from tools.bench import Bench

if TYPE_CHECKING:
    from tools.tasks.answer import Speaker

WEIGHTS = "model.safetensors"


def said_or_left(speaker: Speaker, bench: Bench) -> dict[str, dict[Split, list[str]]]:
    """Its answers to every task; none where another job asks, for which its weights are left."""
    if not bench.apart:
        return speaker.predict_all(bench.tasks)
    from safetensors.torch import save_file

    folder = bench.work / "model"
    folder.mkdir(parents=True, exist_ok=True)
    named = speaker.model.named_parameters()
    save_file({name: tensor.detach().contiguous() for name, tensor in named}, folder / WEIGHTS)
    return {}


def asked(host: str, bench: Bench) -> dict[str, dict[Split, list[str]]]:
    """What the weights that were left answer, in the place of the host's.

    Raises BadInput unless names, shapes and types are those of the host.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from tools.tasks.answer import Speaker

    speaker = Speaker.load(bench.models[host])
    named = dict(speaker.model.named_parameters())
    try:
        left = load_file(bench.models[MADE] / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise BadInput("the merge left no readable weights", "see the trial's logs") from error
    if {n: (t.shape, t.dtype) for n, t in left.items()} != {
        n: (t.shape, t.dtype) for n, t in named.items()
    }:
        raise BadInput(
            f"the merge left weights of other names, shapes or types than those of {host}",
            "a merge gives one tensor for each of the models' own",
        )
    with torch.no_grad():
        for name, target in named.items():
            target.copy_(left[name])
    return {name: {"test": speaker.answer(view, view.test)} for name, view in bench.tasks.items()}
