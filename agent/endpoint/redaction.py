"""Secrets are cut out of whatever is kept, printed or raised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from agent.endpoint.endpoint import Endpoint

CUT = "[redacted]"
SHORTEST = 8
"""A shorter value is a placeholder such as `none`, and cutting it out would tear words apart."""
LOOKS_SECRET = re.compile(
    r"\bsk-(?=[\w-]*\d)[\w-]{12,}|\b(?:hf|gsk|xai|gh[pousr])_\w{16,}|\bAIza[\w-]{20,}"
    r"|\bAKIA[A-Z0-9]{16}\b|(?<=[Bb]earer )(?=\S*\d)[\w.~+/=-]{8,}"
)


class Redactor:
    """Knows the secrets of this run, and what secrets look like."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= SHORTEST}
        self._known = sorted(known, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._known:
            text = text.replace(secret, CUT)
        return LOOKS_SECRET.sub(CUT, text)

    def value(self, value: JsonValue) -> JsonValue:
        """JSON whose strings, names of fields included, hold no secret."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(part) for part in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(part) for name, part in value.items()}
        return value


def redactor_for(endpoint: Endpoint, environment: Mapping[str, str]) -> Redactor:
    """One that knows the value of the endpoint's key."""
    return Redactor([environment.get(endpoint.key, "").strip()])
