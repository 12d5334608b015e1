"""How many tokens a text probably has, before any server has counted them."""

from __future__ import annotations

import json

from agent.endpoint.message import Ask, Usage

BYTES_A_TOKEN = 3
TURN_TOKENS = 8
CREDIBLE = 8
"""A server that counts fewer than one eighth of the estimate is not believed."""


def tokens_of(text: str) -> int:
    """Tokens of a text: a third of its UTF-8 bytes, more than most tokenizers make of prose."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


def prompt_tokens(ask: Ask) -> int:
    """Tokens of everything that is sent: turns, tool schemas, the reply's schema."""
    texts = _texts(ask)
    return TURN_TOKENS * len(texts) + sum(tokens_of(text) for text in texts)


def most_prompt_tokens(ask: Ask) -> int:
    """No tokenizer makes more of it: a token stands for a byte or more, beside those of a turn."""
    texts = _texts(ask)
    return TURN_TOKENS * len(texts) + sum(len(text.encode("utf-8", "replace")) for text in texts)


def _texts(ask: Ask) -> list[str]:
    """All that is sent, in pieces that a server may put tokens of its own around."""
    texts = [turn.content for turn in ask.messages]
    texts += [call.name + call.arguments for turn in ask.messages for call in turn.calls]
    texts += [json.dumps(tool) for tool in ask.tools]
    return [*texts, json.dumps(ask.schema)] if ask.schema else texts


def credible(said: Usage | None, guess: Usage) -> Usage:
    """The server's count, or the estimate where it said nothing or far too little."""
    if said is None or said.prompt < 0 or said.completion < 0:
        return guess
    if CREDIBLE * said.prompt < guess.prompt or CREDIBLE * said.completion < guess.completion:
        return guess
    return said
