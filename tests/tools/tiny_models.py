"""Tiny real checkpoints of two architectures, untrained, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

torch.set_num_threads(1)
WORDS = ["<pad>", "<eos>", "<unk>", *"abcdefghij", "=", "yes", "no"]


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )


def tiny(kind: str = "qwen2", seed: int = 0, **changes: Any) -> Any:
    """An untrained model with weights large enough to give differing answers."""
    from transformers import AutoConfig, AutoModelForCausalLM

    shape = {
        "vocab_size": len(WORDS),
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "initializer_range": 0.5,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": None,
    }
    if kind in ("qwen2", "llama"):
        shape["num_key_value_heads"] = 2
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **shape | changes)).eval()


def save(folder: Path, kind: str = "qwen2", seed: int = 0, dtype: str = "", **changes: Any) -> Path:
    """Save a tiny checkpoint with its tokenizer."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = tiny(kind, seed, **changes)
    if dtype:
        model = model.to(getattr(torch, dtype))
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
