"""What joins the blocks: residual streams, positions, and what cannot be joined."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone, Branch
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


SSD = {"mixer": {"block": "state_space_dual"}, "convolution": 3}
TOPOLOGIES: dict[str, dict[str, object]] = {
    "plain": {},
    "post": {"norm_place": "post"},
    "sandwich": {"norm_place": "sandwich", "norm": "layer"},
    "parallel": {"parallel": True},
    "parallel sandwich": {"parallel": True, "norm_place": "sandwich"},
    "looped": {"loops": 3},
    "scaled": {"residual": "scaled"},
    "hyper": {"residual": "hyper", "streams": 3},
    "hyper, looped, post": {"residual": "hyper", "loops": 2, "norm_place": "post"},
    "learned, tied": {"position": "learned", "tied": True},
}
"""Of a hybrid stack: attention with a channel mixer, SSD behind a convolution, a channel mixer."""


def stirred(name: str) -> Backbone:
    """In double precision, every weight moved, so that what starts at one or zero has an effect."""
    torch.manual_seed(0)
    model = of(LAYER, SSD, {"channel": {"block": "mlp"}}, **TOPOLOGIES[name]).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return model


def by_hand(model: Backbone, tokens: Tensor) -> Tensor:
    """The logits from the blocks, norms and gains of the model, joined in the plainest way."""
    body = model.architecture
    h = model.embedding.weight[tokens]
    if body.position == "learned":
        h = h + model.positions.weight[: tokens.shape[1]]
    streams = [h] * (body.streams if body.residual == "hyper" else 1)
    for _ in range(body.loops):
        for layer in model.layers:
            branches = [one for one in (layer.mixer, layer.channel) if one is not None]
            if body.parallel:
                streams = [streams[0] + sum(written(body, one, streams[0]) for one in branches)]
                continue
            for one in branches:
                streams = joined(body, one, streams)
    return model.norm(sum(streams)) @ model.head.weight.T


def written(body: Architecture, branch: Branch, h: Tensor) -> Tensor:
    y = branch.inner(h if body.norm_place == "post" else branch.before(h))
    y = branch.after(y) if body.norm_place == "sandwich" else y
    return y * branch.gain if body.residual == "scaled" else y


def joined(body: Architecture, branch: Branch, streams: list[Tensor]) -> list[Tensor]:
    if body.residual == "hyper":
        hyper = branch.hyper
        y = written(body, branch, sum(r * s for r, s in zip(hyper.reads, streams, strict=True)))
        mixed = [sum(m * s for m, s in zip(row, streams, strict=True)) for row in hyper.mixes]
        sums = [m + w * y for m, w in zip(mixed, hyper.writes, strict=True)]
    else:
        sums = [streams[0] + written(body, branch, streams[0])]
    return [branch.whole(one) if body.norm_place == "post" else one for one in sums]


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_topology_equals_its_parts_joined_by_hand_in_values_and_gradients(name):
    model, slopes = stirred(name), []
    for logits in (model(TOKENS), by_hand(model, TOKENS)):
        tilt = torch.linspace(-1, 1, logits.numel(), dtype=logits.dtype).view_as(logits)
        found = torch.autograd.grad((logits * tilt).sum(), list(model.parameters()))
        slopes.append([logits, *found])
    for mine, other in zip(*slopes, strict=True):
        assert torch.allclose(mine, other, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_topology_is_causal_and_its_cache_changes_nothing(name):
    model = stirred(name)
    changed = TOKENS.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 8
    with torch.no_grad():
        whole = model(TOKENS)
        assert torch.allclose(model(changed)[:, :7], whole[:, :7], atol=1e-10)
        assert not torch.allclose(model(changed)[:, 7:], whole[:, 7:])
        logits, states = model.step(TOKENS[:, :5], model.start(8), torch.arange(5))
        rows = [logits]
        for place in range(5, 12):
            row, states = model.step(TOKENS[:, place], states, place)
            rows.append(row[:, None])
    assert torch.allclose(torch.cat(rows, 1), whole, atol=1e-10)


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
