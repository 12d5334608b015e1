"""Hold blocks against code that others wrote and that no package of this project has.

    python -P benchmarks/independent.py rwkv rwkv_v7_numpy.py     BlinkDL/RWKV-LM, RWKV-v7/
    python -P benchmarks/independent.py hyena standalone_hyena.py HazyResearch/safari; needs einops
    python -P benchmarks/independent.py ctm FOLDER                continuous-thought-machines

The file or the folder is yours to fetch; its code is run as it is, but for what loads a trained
model. Printed is the largest difference of the outputs and, where theirs can be differentiated, of
the gradients by every weight, beside the largest value. Blocks that transformers has are compared
in tests/tools/architectures/test_against_transformers.py.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.architectures.blocks.long_convolution import LongConvolution  # noqa: E402
from tools.architectures.blocks.rwkv import RWKV, STREAMS  # noqa: E402
from tools.architectures.certainty import certainty  # noqa: E402
from tools.architectures.ctm import ContinuousThought  # noqa: E402
from tools.architectures.ticks import Ticks  # noqa: E402

TOLERANCE, LEAST = 1e-5, 0.1
"""Relative to the largest value, but as if that were LEAST: both sides are in single precision."""
BATCH, LENGTH, WIDTH = 3, 40, 32
Values = Mapping[str, Tensor]


def main() -> None:
    """Compare, and exit with 1 where a difference is above the tolerance."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("block", choices=sorted(COMPARED))
    given.add_argument("theirs", type=Path)
    asked = given.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ours, theirs = COMPARED[asked.block](asked.theirs)
    equal = [told(name, ours[name], theirs[name]) for name in theirs]
    sys.exit(0 if all(equal) else 1)


def told(name: str, mine: Tensor, other: Tensor) -> bool:
    """Print the difference; whether it is within the tolerance."""
    difference, largest = float((mine - other).abs().max()), float(other.abs().max())
    print(f"{name}: largest difference {difference:.1e} of {largest:.1e}")
    return mine.shape == other.shape and difference <= TOLERANCE * max(LEAST, largest)


def stirred(module: nn.Module, amount: float = 0.1) -> nn.Module:
    """Every weight moved, so that what starts at zero or one cannot hide an error."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(amount * torch.randn_like(weight))
    return module.eval()


def slopes(output: Tensor, module: nn.Module) -> Values:
    """The output, and the gradients of its weighted sum by every weight of the module."""
    tilt = torch.linspace(-1, 1, output.numel()).view_as(output)
    weights = dict(module.named_parameters())
    found = torch.autograd.grad((output * tilt).sum(), list(weights.values()))
    return {"output": output.detach(), **dict(zip(weights, found, strict=True))}


def rwkv(file: Path) -> tuple[Values, Values]:
    """Time mixing of RWKV-7, one position after the other in numpy: outputs alone."""
    module = stirred(RWKV(WIDTH, heads=4, rank=6))
    assert isinstance(module, RWKV)
    space = {"np": np, "N_HEAD": module.heads, "HEAD_SIZE": module.size}
    exec(compile(_definitions(file), str(file), "exec"), space)
    mixing: Callable[..., tuple] = space["time_mixing"]
    weights = [part.detach().numpy() for part in _of_rwkv(module)]
    x = torch.randn(BATCH, LENGTH, WIDTH)
    rows = []
    for sequence in x.numpy():
        last = np.zeros(WIDTH, np.float32)
        memory = np.zeros((module.heads, module.size, module.size), np.float32)
        said = []
        for now in sequence:
            out, _, last, memory = mixing(now, None, last, memory, weights)
            said.append(out)
        rows.append(np.stack(said))
    with torch.no_grad():
        return {"output": module(x)}, {"output": torch.from_numpy(np.stack(rows))}


def _of_rwkv(module: RWKV) -> list[Tensor]:
    """Our weights in the order in which their function takes them."""
    blend = dict(zip(STREAMS, module.blend, strict=True))
    order = ("query", "decay", "key", "value", "rate", "gate")
    decay, rate, gate = module.decay, module.rate, module.gate
    return [
        *(blend[name] for name in order),
        *(decay.offset, module.bonus, decay.down.weight.T, decay.up.weight.T),
        *(rate.down.weight.T, rate.up.weight.T, rate.offset),
        *(gate.down.weight.T, gate.up.weight.T),
        *(module.removal.flatten(), module.rated.flatten()),
        *(module.query.weight, module.key.weight, module.value.weight, module.out.weight),
        *(module.norm.weight, module.norm.bias),
    ]


def _definitions(file: Path) -> ast.Module:
    """Functions and lambdas of the file: neither what it imports nor what it runs."""
    whole = ast.parse(file.read_text(encoding="utf-8"))

    def defines(node: ast.stmt) -> bool:
        named = isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
        return named or isinstance(node, ast.FunctionDef)

    return ast.Module([node for node in whole.body if defines(node)], [])


def hyena(file: Path) -> tuple[Values, Values]:
    """Hyena's operator of order two with the taps of our filter, in place of its own filter."""
    spec = importlib.util.spec_from_file_location("standalone_hyena", file)
    assert spec is not None
    assert spec.loader is not None
    their_file = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(their_file)
    module = stirred(LongConvolution(WIDTH, span=LENGTH))
    assert isinstance(module, LongConvolution)
    theirs = their_file.HyenaOperator(WIDTH, LENGTH, filter_order=4)
    x = torch.randn(BATCH, LENGTH, WIDTH)
    theirs.filter_fn.filter = lambda length: module.filter(length, x)[None]
    tap = torch.zeros_like(theirs.short_filter.weight)
    tap[..., -1] = 1
    weights = {
        "in_proj.weight": torch.cat((module.gate.weight, module.inner.weight, module.value.weight)),
        "in_proj.bias": torch.zeros(3 * WIDTH),
        "short_filter.weight": tap,
        "short_filter.bias": torch.zeros(3 * WIDTH),
        "filter_fn.bias": module.skip,
        "out_proj.weight": module.out.weight,
        "out_proj.bias": torch.zeros(WIDTH),
    }
    said = torch.func.functional_call(theirs, weights, (x,))
    return slopes(module(x), module), slopes(said, module)


def ctm(folder: Path) -> tuple[Values, Values]:
    """The whole machine on features of our front: predictions and certainties of every tick."""
    sys.path.insert(0, str(folder.resolve()))
    from models.ctm import ContinuousThoughtMachine

    spec = Ticks(neurons=24, ticks=7, memory=5, hidden=3, pairs=20, action_pairs=12, heads=4)
    classes, length = 5, 11
    module = stirred(ContinuousThought(spec, 6, length, classes), 0.3)
    assert isinstance(module, ContinuousThought)
    theirs = ContinuousThoughtMachine(
        spec.ticks, spec.neurons, spec.width, spec.heads, spec.pairs, spec.action_pairs,
        synapse_depth=1, memory_length=spec.memory, deep_nlms=True, memory_hidden_dims=spec.hidden,
        do_layernorm_nlm=False, backbone_type="none", positional_embedding_type="none",
        out_dims=classes,
    ).eval()  # fmt: skip
    tokens = torch.randint(6, (BATCH, length))
    features = module.gaze.front(tokens).mT
    theirs(features.detach())  # makes the layers that take their width from what they are given
    logits, sure = module(tokens)
    weights = dict(theirs.state_dict()) | _of_machine(module)
    predictions, certainties, _ = torch.func.functional_call(theirs, weights, (features,))
    mine = {**slopes(logits, module), "certainty": sure.detach()}
    other = {**slopes(predictions.mT, module), "certainty": certainties[:, 1].detach()}
    assert mine["certainty"].equal(certainty(logits).detach())
    return mine, other


def _of_machine(module: ContinuousThought) -> dict[str, Tensor]:
    """Our weights by their names; each is a function of ours, so that gradients reach ours."""
    gaze, width = module.gaze, module.spec.width
    found = {
        "start_activated_state": module.state,
        "start_trace": nnf.pad(module.trace, (1, 0)),
        "attention.in_proj_weight": torch.cat((torch.eye(width), gaze.both.weight)),
        "attention.in_proj_bias": torch.cat((torch.zeros(width), gaze.both.bias)),
    }
    for number, at in ((0, 0), (1, 2)):
        name = f"trace_processor.0.{at}"
        found[f"{name}.w1"] = module.models.weights[number].permute(2, 1, 0)
        found[f"{name}.b1"] = module.models.biases[number].permute(2, 0, 1)
    for theirs, reading in (("action", module.asking), ("out", module.speaking)):
        found[f"decay_params_{theirs}"] = -nnf.logsigmoid(reading.kept)
        found[f"{theirs}_neuron_indices_left"] = reading.left
        found[f"{theirs}_neuron_indices_right"] = reading.right
    named = {
        "kv_proj.0": gaze.project[0], "kv_proj.1": gaze.project[1], "q_proj": gaze.query,
        "attention.out_proj": gaze.out, "synapses.1": module.synapses.linear,
        "synapses.3": module.synapses.norm, "output_projector.0": module.head,
    }  # fmt: skip
    for name, layer in named.items():
        found |= {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}
    return found


COMPARED: Mapping[str, Callable[[Path], tuple[Values, Values]]] = {
    "rwkv": rwkv,
    "hyena": hyena,
    "ctm": ctm,
}

if __name__ == "__main__":
    main()
