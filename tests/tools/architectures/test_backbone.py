"""What joins the blocks: residual streams, positions, and what cannot be joined."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.new_backbone import new_backbone
from tools.architectures.objective import find_objective

torch.set_num_threads(1)
LAYER = {"mixer": {"block": "softmax_attention"}, "channel": {"block": "glu"}}
BARE = {"mixer": {"block": "softmax_attention"}}
TOKENS = torch.randint(8, (8, 12), generator=torch.Generator().manual_seed(0))


def of(*layers: dict, **more) -> Backbone:
    return new_backbone(Architecture.model_validate({"width": 16, "layers": layers, **more}), 8)


def streams_of(model: Backbone) -> torch.Tensor:
    """The streams before they are summed, (B, T, streams, width)."""
    found: list[torch.Tensor] = []
    hook = model.layers[-1].register_forward_hook(lambda layer, given, out: found.append(out))
    with torch.no_grad():
        model(TOKENS)
    hook.remove()
    return found[0]


@pytest.mark.parametrize("layers", [(LAYER, LAYER), (BARE, BARE)])
def test_hyper_connections_start_as_a_plain_residual(layers):
    model, plain = of(*layers, residual="hyper"), of(*layers)
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if "hyper" not in k})
    # The sum of two streams is twice as long, which all but the epsilon of the last norm undoes.
    assert torch.allclose(model(TOKENS), plain(TOKENS), atol=3e-3)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [(LAYER, LAYER), (BARE, BARE)])
def test_streams_of_hyper_connections_part_ways_in_training(layers):
    model = of(*layers, residual="hyper", streams=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(8):
        logits = model(TOKENS)[:, :-1]
        nnf.cross_entropy(logits.flatten(0, 1), TOKENS[:, 1:].flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()
    streams = streams_of(model).unbind(2)
    for one, other in pairwise(streams):
        assert (one - other).norm() > 1e-3 * one.norm()


def test_learned_positions_start_as_quiet_as_tokens():
    model = of(LAYER, position="learned", longest=64)
    assert model.positions is not None
    ratio = model.positions.weight.std() / model.embedding.weight.std()
    assert 0.7 < ratio < 1.4


@pytest.mark.parametrize("objective", ["next_token", "multi_token"])
def test_a_text_beyond_the_learned_positions_is_refused(objective):
    architecture = Architecture.model_validate(
        {"width": 16, "layers": [LAYER], "position": "learned", "longest": 11}
    )
    aim = find_objective(objective).make()
    with pytest.raises(BadInput, match="12 tokens, and learned positions of 11"):
        aim.loss(aim.model(architecture, 8), TOKENS, TOKENS, torch.Generator())


def test_parallel_branches_with_a_norm_after_each_are_refused():
    with pytest.raises(BadInput, match="parallel"):
        of(LAYER, parallel=True, norm_place="post")
