"""Attention blocks with the weights of transformers' modules: the same outputs and gradients.

Independent implementations, written by others: a shared misreading of a paper would have to be
made twice.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tools.architectures.block import find_block
from tools.architectures.linear_recurrence import recur

torch.set_num_threads(1)
pytestmark = pytest.mark.slow
WIDTH, LENGTH, TOLERANCE = 32, 21, 1e-6
Run = Callable[[Tensor], Tensor]


def inputs() -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randn(2, LENGTH, WIDTH, generator=draw, dtype=torch.float64)


def rotary(size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines as transformers hands them to its attention."""
    rates = 10000.0 ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = (torch.arange(LENGTH, dtype=torch.float32)[:, None] * rates).repeat(1, 2)[None]
    return angles.cos().double(), angles.sin().double()


def no_later() -> Tensor:
    return torch.full((LENGTH, LENGTH), -torch.inf, dtype=torch.float64).triu(1)[None, None]


def copy(theirs: nn.Module, ours: nn.Module, names: dict[str, str]) -> None:
    state = theirs.state_dict()
    ours.load_state_dict({mine: state[name] for mine, name in names.items()}, strict=False)


def assert_alike(ours: Run, theirs: Run) -> None:
    found = []
    for run in (ours, theirs):
        x = inputs().requires_grad_()
        y = run(x)
        torch.autograd.backward(y.square().sum())
        assert x.grad is not None
        found.append((y.detach(), x.grad))
    for mine, other in zip(*found, strict=True):
        assert (mine - other).abs().max() < TOLERANCE


PROJECTIONS = {
    "query.weight": "q_proj.weight",
    "key.weight": "k_proj.weight",
    "value.weight": "v_proj.weight",
    "out.weight": "o_proj.weight",
}


def test_grouped_rotary_attention_is_that_of_llama() -> None:
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaAttention

    torch.manual_seed(0)
    config = LlamaConfig(hidden_size=WIDTH, num_attention_heads=4, num_key_value_heads=2)
    config._attn_implementation = "eager"
    theirs = LlamaAttention(config, 0).double()
    ours = find_block("softmax_attention").make(WIDTH, {"heads": 4, "groups": 2}).double()
    copy(theirs, ours, PROJECTIONS)
    assert_alike(ours, lambda x: theirs(x, rotary(8), no_later())[0])


def test_normed_queries_and_keys_are_those_of_qwen3() -> None:
    from transformers import Qwen3Config
    from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention

    torch.manual_seed(0)
    config = Qwen3Config(
        hidden_size=WIDTH, num_attention_heads=4, num_key_value_heads=4, head_dim=8
    )
    config._attn_implementation = "eager"
    theirs = Qwen3Attention(config, 0).double()
    for norm in (theirs.q_norm, theirs.k_norm):
        nn.init.uniform_(norm.weight, 0.5, 2.0)
    ours = find_block("softmax_attention").make(WIDTH, {"heads": 4, "qk_norm": True}).double()
    norms = {"query_norm.gain": "q_norm.weight", "key_norm.gain": "k_norm.weight"}
    copy(theirs, ours, PROJECTIONS | norms)
    assert_alike(ours, lambda x: theirs(x, rotary(8), no_later())[0])


def test_alibi_is_that_of_bloom() -> None:
    from transformers import BloomConfig
    from transformers.models.bloom.modeling_bloom import BloomAttention, build_alibi_tensor

    torch.manual_seed(0)
    theirs = BloomAttention(BloomConfig(hidden_size=WIDTH, n_head=4), 0).double().eval()
    for name, parameter in theirs.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    ours = find_block("softmax_attention").make(WIDTH, {"heads": 4, "positions": "alibi"}).double()
    fused = theirs.query_key_value.weight.detach().view(4, 3, 8, WIDTH)
    names = ("query.weight", "key.weight", "value.weight")
    state = {name: fused[:, part].reshape(WIDTH, WIDTH) for part, name in enumerate(names)}
    ours.load_state_dict(state | {"out.weight": theirs.dense.weight.detach()})
    alibi = build_alibi_tensor(torch.ones(2, LENGTH), 4, torch.float64)
    assert_alike(ours, lambda x: theirs(x, torch.zeros_like(x), alibi, no_later())[0])


@pytest.mark.parametrize("layer", [0, 5])
def test_differential_attention_is_that_of_diffllama(layer: int) -> None:
    from transformers import DiffLlamaConfig
    from transformers.models.diffllama.modeling_diffllama import DiffLlamaAttention

    torch.manual_seed(0)
    config = DiffLlamaConfig(
        hidden_size=WIDTH, num_attention_heads=4, num_key_value_heads=4, rms_norm_eps=1e-6
    )
    config._attn_implementation = "eager"
    theirs = DiffLlamaAttention(config, layer).double()
    ours = find_block("differential_attention").make(WIDTH, {"heads": 2, "depth": layer + 1})
    ours = ours.double()
    copy(theirs, ours, PROJECTIONS)
    lambdas = (theirs.lambda_q1, theirs.lambda_q2, theirs.lambda_k1, theirs.lambda_k2)
    # One value of ours, twice as wide, is their first and second half's heads side by side.
    value = theirs.v_proj.weight.detach().view(2, 2, 8, WIDTH).transpose(0, 1)
    state = {
        "lambdas": torch.stack(lambdas).detach().view(2, 2, 8),
        "value.weight": value.reshape(WIDTH, WIDTH),
    }
    ours.load_state_dict(state, strict=False)
    assert_alike(ours, lambda x: theirs(x, rotary(8), no_later())[0])


@pytest.mark.parametrize("query_latent", [0, 6])
def test_latent_attention_is_that_of_deepseek(query_latent: int) -> None:
    from transformers import DeepseekV3Config
    from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3Attention

    torch.manual_seed(0)
    config = DeepseekV3Config(
        hidden_size=WIDTH,
        num_attention_heads=4,
        num_key_value_heads=4,
        q_lora_rank=query_latent or None,
        kv_lora_rank=12,
        qk_rope_head_dim=4,
        qk_nope_head_dim=8,
        v_head_dim=8,
        rope_interleave=False,
    )
    config._attn_implementation = "eager"
    theirs = DeepseekV3Attention(config, 0).double()
    setting = {"heads": 4, "latent": 12, "rotary": 4, "query_latent": query_latent}
    ours = find_block("latent_attention").make(WIDTH, setting).double()
    whole = {"query.weight": "q_proj.weight"}
    split = {
        "query.0.weight": "q_a_proj.weight",
        "query.1.gain": "q_a_layernorm.weight",
        "query.2.weight": "q_b_proj.weight",
    }
    names = {"down.weight": "kv_a_proj_with_mqa.weight", "norm.gain": "kv_a_layernorm.weight"}
    names |= {"out.weight": "o_proj.weight"} | (split if query_latent else whole)
    copy(theirs, ours, names)
    both = theirs.kv_b_proj.weight.detach().view(4, 2, 8, 12)
    state = {"key.weight": both[:, 0].reshape(-1, 12), "value.weight": both[:, 1].reshape(-1, 12)}
    ours.load_state_dict(state, strict=False)
    assert_alike(ours, lambda x: theirs(x, rotary(4), no_later())[0])


def test_the_recurrence_with_one_decay_a_head_is_lightning_attention() -> None:
    from transformers import MiniMaxConfig
    from transformers.models.minimax.modeling_minimax import MiniMaxLightningAttention

    torch.manual_seed(0)
    config = MiniMaxConfig(
        hidden_size=WIDTH,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=8,
        num_hidden_layers=2,
        layer_types=["linear_attention", "full_attention"],
        block_size=8,
    )
    theirs = MiniMaxLightningAttention(config, 0).double()

    def ours(x: Tensor) -> Tensor:
        fused = nn.functional.silu(theirs.qkv_proj(x)).view(2, LENGTH, 4, 24).transpose(1, 2)
        query, key, value = fused.chunk(3, -1)
        mixed = recur(query, key, value, -theirs.slope_rate.double()[None], chunk=5)
        normed = theirs.norm(mixed.transpose(1, 2).flatten(2))
        joined: Tensor = theirs.out_proj(theirs.output_gate(x).sigmoid() * normed)
        return joined

    assert_alike(ours, lambda x: theirs(x, rotary(8), None)[0])
