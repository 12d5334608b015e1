"""Voices for tests of the language-model mind: replies by key, as a server would have sent them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from agent.endpoint.message import Answer, Ask, ToolCall, Usage
from sandbox.errors import HanjiError

GIBBERISH = "zq blorp 17 {{ev:feedbeef}} }{ \\write18{ls} the the"
Reply = str | dict[str, object] | HanjiError | tuple[ToolCall, ...]
Say = Callable[[Ask], Reply]


class Speaker:
    """Says what it has under a key or the longest beginning of it, else gibberish.

    heard: every ask, in order.
    """

    def __init__(self, replies: Mapping[str, Reply | Say] | None = None) -> None:
        self.replies = dict(replies or {})
        self.heard: list[Ask] = []

    def ask(self, ask: Ask) -> Answer:
        self.heard.append(ask)
        said = self._under(ask.key)
        if callable(said):
            said = said(ask)
        if isinstance(said, HanjiError):
            raise said
        usage = Usage(10, 5)
        if isinstance(said, tuple):
            return Answer("", said, "tool_calls", usage, "spoken")
        text = said if isinstance(said, str) else json.dumps(said)
        return Answer(text, (), "stop", usage, "spoken")

    def _under(self, key: str) -> Reply | Say:
        while key not in self.replies:
            key, found, _ = key.rpartition("-")
            if not found:
                return GIBBERISH
        return self.replies[key]

    @property
    def keys(self) -> list[str]:
        """Of every ask."""
        return [ask.key for ask in self.heard]

    def told(self, key: str) -> str:
        """The last turn of the ask of that key."""
        return next(ask.messages[-1].content for ask in self.heard if ask.key == key)


def part(*paragraphs: str | tuple[str, str]) -> dict[str, object]:
    """A part of a paper: texts, or pairs of heading and text."""
    pairs = [("", p) if isinstance(p, str) else p for p in paragraphs]
    return {"paragraphs": [{"heading": heading, "text": text} for heading, text in pairs]}
