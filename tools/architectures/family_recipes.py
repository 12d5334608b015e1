"""What families of the transformers library are configured with, from an architecture's sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pydantic import JsonValue

from tools.architectures.foreign import Foreign

Recipe: TypeAlias = Callable[[Foreign], dict[str, JsonValue]]
CHUNK = 32
"""Positions that state space families compute at once: shorter sequences are padded to it."""


def usual_fields(foreign: Foreign, vocabulary: int) -> dict[str, JsonValue]:
    """Fields that most configurations have, by the names that most of them give.

    Weights start as wide as those of PyTorch's linear layers: the families' own start is meant for
    widths of thousands, and from it a narrow model hardly learns.
    """
    return {
        "initializer_range": (3 * foreign.width) ** -0.5,
        "vocab_size": vocabulary,
        "hidden_size": foreign.width,
        "num_hidden_layers": foreign.depth,
        "num_attention_heads": foreign.heads,
        "num_key_value_heads": foreign.heads,
        "head_dim": max(1, foreign.width // foreign.heads),
        "intermediate_size": _inner(foreign),
        "tie_word_embeddings": foreign.tied,
        "output_router_logits": True,
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def _inner(foreign: Foreign) -> int:
    return max(1, math.ceil(foreign.width * foreign.expansion))


def _alternating(first: str, second: str) -> Callable[[Foreign], list[JsonValue]]:
    """Layers by turns; the last is always the second, so that no hybrid goes without it."""
    return lambda foreign: [
        second if (foreign.depth - 1 - number) % 2 == 0 else first
        for number in range(foreign.depth)
    ]


def _mamba2(f: Foreign) -> dict[str, JsonValue]:
    return {
        "num_heads": f.heads,
        "head_dim": 2 * f.width // f.heads,
        "expand": 2,
        "state_size": 16,
        "n_groups": 1,
        "chunk_size": CHUNK,
    }


def _nemotron_h(f: Foreign) -> dict[str, JsonValue]:
    return {
        "layers_block_type": _alternating("mamba", "attention")(f),
        "mamba_num_heads": f.heads,
        "mamba_head_dim": 2 * f.width // f.heads,
        "ssm_state_size": 16,
        "n_groups": 1,
        "chunk_size": CHUNK,
    }


def _olmo_hybrid(f: Foreign) -> dict[str, JsonValue]:
    return {
        "layer_types": _alternating("linear_attention", "full_attention")(f),
        "linear_num_key_heads": f.heads,
        "linear_num_value_heads": f.heads,
        "linear_key_head_dim": max(1, f.width // f.heads),
        "linear_value_head_dim": max(1, f.width // f.heads),
    }


def _experts(f: Foreign) -> dict[str, JsonValue]:
    return {"moe_intermediate_size": _inner(f), "num_experts": 4, "num_experts_per_tok": 2}


RECIPES: Mapping[str, Recipe] = {
    "llama": lambda f: {},
    "qwen3": lambda f: {},
    "diffllama": lambda f: {},
    "gpt2": lambda f: {"n_inner": _inner(f)},
    "gpt_neox": lambda f: {},
    "mixtral": lambda f: {"num_local_experts": 4},
    "qwen3_moe": _experts,
    "lfm2": lambda f: {
        "layer_types": _alternating("conv", "full_attention")(f),
        "block_auto_adjust_ff_dim": False,
    },
    "mamba2": _mamba2,
    "nemotron_h": _nemotron_h,
    "olmo_hybrid": _olmo_hybrid,
    "qwen3_next": lambda f: _olmo_hybrid(f) | _experts(f),
}
"""Families tried here, with what they need besides the usual fields. Others are built too."""
