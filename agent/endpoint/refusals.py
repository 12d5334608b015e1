"""Whatever goes wrong between here and a server, as one sentence and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.endpoint.endpoint import Endpoint
from agent.endpoint.redaction import Redactor
from sandbox.errors import (
    EndpointRefused,
    EndpointUnreachable,
    MindFailed,
    ReplyUnusable,
    RequestTooLong,
)

if TYPE_CHECKING:
    import openai

PASSING = (408, 409, 425, 429)
QUOTED = 200
TOO_LONG = re.compile(r"context.{0,3}(length|size|window)|prompt is too long", re.IGNORECASE)
"""How servers say that a prompt does not fit, whatever their status and code for it are."""
MEND_LENGTH = "set `context` in [endpoint] to what the server gives, or use a longer one"


class Refusals:
    """Names a server and never its key."""

    def __init__(self, endpoint: Endpoint, redactor: Redactor) -> None:
        self._endpoint = endpoint
        self._redactor = redactor
        self.where = urlsplit(endpoint.base_url).netloc

    def of(self, error: openai.APIError) -> MindFailed:
        """The failure that an error of the client package is."""
        import openai

        tries = f"{self._endpoint.retries + 1} tries" if self._endpoint.retries else "one try"
        if isinstance(error, openai.APIStatusError):
            return self._status(error)
        if isinstance(error, openai.APITimeoutError):
            return EndpointUnreachable(
                f"{self.where} was silent for {self._endpoint.timeout_s:g} s, in {tries}",
                "raise timeout_s in [endpoint], or use a faster model",
            )
        if isinstance(error, openai.APIConnectionError):
            cause = type(error.__cause__).__name__ if error.__cause__ is not None else "no reason"
            return EndpointUnreachable(
                f"{self.where} cannot be reached or hung up ({cause}), in {tries}",
                "see that the server runs and that base_url is its address",
            )
        return EndpointUnreachable(
            f"{self.where} broke off: {self.quoted(error.message)}", "try again: `hanji resume`"
        )

    def refused(self, why: str, fix: str) -> EndpointRefused:
        """Asking again would change nothing."""
        return EndpointRefused(f"{self.where}: {self.quoted(why)}", fix)

    def unusable(self, why: str, fix: str) -> ReplyUnusable:
        """Another request may be answered."""
        return ReplyUnusable(f"{self.where}: {self.quoted(why)}", fix)

    def quoted(self, text: str) -> str:
        """What a server said: one printable line without secrets, and not much of it."""
        text = self._redactor.text(text[: 16 * QUOTED])
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"

    def words(self, error: openai.APIStatusError) -> str:
        """The body of a refusal, as far as it says something."""
        body = error.body
        if isinstance(body, dict):
            inner = body.get("error", body)
            said = inner.get("message") if isinstance(inner, dict) else inner
            said = said if isinstance(said, str) else body.get("detail")
            return self.quoted(said if isinstance(said, str) else str(body))
        text = body if isinstance(body, str) else ""
        return "an HTML page" if "<html" in text[:2000].lower() else self.quoted(text)

    def _status(self, error: openai.APIStatusError) -> MindFailed:
        status, words = error.status_code, self.words(error)
        said = f"{self.where} answered {status}" + (f": {words}" if words else "")
        if status in PASSING or status >= 500:
            return EndpointUnreachable(said, "wait, then `hanji resume`; it goes on from there")
        refused: MindFailed = EndpointRefused(said, self._fix(status, error))
        if status == 413 or (status in (400, 422) and TOO_LONG.search(words)):
            refused = RequestTooLong(said, MEND_LENGTH)
        refused.spent = (0, 0)
        return refused

    def _fix(self, status: int, error: openai.APIStatusError) -> str:
        if status in (401, 403):
            return f"see that {self._endpoint.key} holds a key that this server accepts"
        if status == 404:
            return "see that base_url ends as the server wants it (often /v1) and the model exists"
        if 300 <= status < 400:
            to = urlsplit(error.response.headers.get("location", "")).netloc
            return (
                f"put the final address into base_url (it points to {self.quoted(to) or 'nowhere'})"
            )
        return "see the model's name and the limits of the server; `hanji doctor --mind` tries them"
