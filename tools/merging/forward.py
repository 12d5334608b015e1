"""The logits that answer a prompt, from a plain Llama, without work for other positions.

At the miniature's size a step is mostly overhead: transformers' own forward takes about 1.5 times
as long. The plain reference is `transformers.LlamaForCausalLM`; a test compares values and
gradients with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

Weights = Mapping[str, "Tensor"]


@dataclass(frozen=True)
class LlamaShape:
    """The numbers of a plain Llama: equal query and key heads, default rotation, no biases."""

    layers: int
    heads: int
    width: int
    eps: float
    theta: float
    tied: bool


def plain_shape(config: PreTrainedConfig) -> LlamaShape | None:
    """The shape of a transformers config; None when `answer_logits` does not cover it."""
    rope = getattr(config, "rope_parameters", None) or {}
    plain = (
        config.model_type == "llama"
        and config.num_key_value_heads == config.num_attention_heads
        and config.head_dim * config.num_attention_heads == config.hidden_size
        and rope.get("rope_type", "default") == "default"
        and config.hidden_act == "silu"
        and not config.attention_bias
        and not config.mlp_bias
    )
    if not plain:
        return None
    return LlamaShape(
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        width=config.hidden_size,
        eps=config.rms_norm_eps,
        theta=float(rope.get("rope_theta", 10000.0)),
        tied=config.tie_word_embeddings,
    )


def answer_logits(weights: Weights, shape: LlamaShape, tokens: Tensor, keep: int = 1) -> Tensor:
    """Logits of the last `keep` positions: (B, keep, vocabulary).

    weights: parameter name -> tensor, as in the checkpoint. tokens: (B, T), no padding.
    """
    import torch
    from torch.nn import functional as nn

    batch, length = tokens.shape
    cos, sin = _rotation(shape, length)
    hidden = nn.embedding(tokens, weights["model.embed_tokens.weight"])
    for layer in range(shape.layers):
        # Of the last layer only the kept positions are read, so no others are computed.
        kept = keep if layer == shape.layers - 1 else length
        own = f"model.layers.{layer}."
        normed = _norm(hidden, weights[f"{own}input_layernorm.weight"], shape.eps)
        query, key, value = (
            _split(normed[:, -rows:], weights[f"{own}self_attn.{part}_proj.weight"], shape)
            for part, rows in (("q", kept), ("k", length), ("v", length))
        )
        query = _rotate(query, cos[-kept:], sin[-kept:])
        key = _rotate(key, cos, sin)
        seen = torch.ones(kept, length, dtype=torch.bool).tril(length - kept) if kept > 1 else None
        mixed = nn.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        mixed = mixed.transpose(1, 2).reshape(batch, kept, shape.width)
        hidden = hidden[:, -kept:] + nn.linear(mixed, weights[f"{own}self_attn.o_proj.weight"])
        normed = _norm(hidden, weights[f"{own}post_attention_layernorm.weight"], shape.eps)
        gate = nn.silu(nn.linear(normed, weights[f"{own}mlp.gate_proj.weight"]))
        gate = gate * nn.linear(normed, weights[f"{own}mlp.up_proj.weight"])
        hidden = hidden + nn.linear(gate, weights[f"{own}mlp.down_proj.weight"])
    head = weights["model.embed_tokens.weight" if shape.tied else "lm_head.weight"]
    return nn.linear(_norm(hidden, weights["model.norm.weight"], shape.eps), head)


def _norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Zhang & Sennrich 2019, over the last dimension."""
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt() * weight


def _split(x: Tensor, weight: Tensor, shape: LlamaShape) -> Tensor:
    """Project (B, T, D) and split into heads: (B, H, T, D / H)."""
    from torch.nn import functional as nn

    heads = nn.linear(x, weight).view(*x.shape[:2], shape.heads, -1)
    return heads.transpose(1, 2)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs of features by their position's angle (Su et al. 2021). x: (B, H, T, d)."""
    import torch

    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def _rotation(shape: LlamaShape, length: int) -> tuple[Tensor, Tensor]:
    import torch

    size = shape.width // shape.heads
    angle = 1.0 / shape.theta ** (torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(length).float(), angle)
    both = torch.cat((angles, angles), -1)
    return both.cos(), both.sin()
