"""Requests to the model with typed replies, each held to rules of its own and mended once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from agent.endpoint.message import Ask, Message, Role, Voice
from agent.minds.language_model.prompt import listed, prompt
from sandbox.errors import ReplyUnusable

R = TypeVar("R", bound=BaseModel)
Faults = Callable[[R], Sequence[str]]
MOST_TOLD = 12
"""Complaints that one turn holds."""


@dataclass(frozen=True)
class Dialogue:
    """A voice that is told what it is for before every request."""

    voice: Voice

    def reply(
        self,
        key: str,
        role: Role,
        said: str,
        kind: type[R],
        faults: Faults[R],
        before: Sequence[Message] = (),
        most_tokens: int = 4096,
    ) -> tuple[R, tuple[str, ...]]:
        """The reply, and what is wrong with it even after it was told so once.

        before: turns that went before. Raises MindFailed or BudgetSpent.
        """
        from agent.endpoint.typed import ask_typed

        turns = (*self.opening(), *before, Message("user", said))
        first, _ = ask_typed(self.voice, Ask(key, role, turns, most_tokens=most_tokens), kind)
        wrong = tuple(faults(first))
        if not wrong:
            return first, ()
        told = prompt("mend", faults=listed(list(wrong[:MOST_TOLD])))
        turns = (*turns, Message("assistant", first.model_dump_json()), Message("user", told))
        again = Ask(f"{key}-mend", role, turns, most_tokens=most_tokens)
        second, _ = ask_typed(self.voice, again, kind)
        return second, tuple(faults(second))

    def sound(self, key: str, role: Role, said: str, kind: type[R], faults: Faults[R]) -> R:
        """A reply that nothing is wrong with. Raises ReplyUnusable with what is wrong, too."""
        reply, wrong = self.reply(key, role, said, kind, faults)
        if wrong:
            raise ReplyUnusable(
                f"the reply to {key} breaks the rules: {'; '.join(wrong[:3])}",
                "the exchange is kept in the run's folder mind/; a better model may do",
            )
        return reply

    @staticmethod
    def opening() -> tuple[Message, ...]:
        """What every request begins with."""
        return (Message("system", prompt("system")),)
