"""How a server is reached: its address and key checked, the HTTP client bounded."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.endpoint.endpoint import Endpoint
from agent.endpoint.limits import Metre
from sandbox.errors import BadInput

if TYPE_CHECKING:
    import openai

CONNECT_S = 20.0
NO_KEY = "none"


class Connection:
    """What is needed to reach one server. Raises BadInput for an endpoint that is not set up."""

    def __init__(self, endpoint: Endpoint, environment: Mapping[str, str]) -> None:
        check_set_up(endpoint, environment)
        self._endpoint = endpoint
        self._key = environment.get(endpoint.key, "").strip() or NO_KEY

    @asynccontextmanager
    async def open(self, most_bytes: int) -> AsyncIterator[openai.AsyncOpenAI]:
        """The client package, for one ask. most_bytes: of one reply's body, on the wire.

        It follows no redirect, which would carry the key elsewhere, and goes to this machine
        without the proxy that the environment may name.
        """
        import httpx2
        import openai

        endpoint = self._endpoint
        metre = Metre(most_bytes, urlsplit(endpoint.base_url).netloc)
        silence_s = endpoint.timeout_s
        async with (
            httpx2.AsyncClient(
                timeout=httpx2.Timeout(silence_s, connect=min(CONNECT_S, silence_s)),
                follow_redirects=False,
                trust_env=not on_loopback(endpoint.base_url),
                event_hooks={"response": [metre.watch]},
            ) as http,
            openai.AsyncOpenAI(
                api_key=self._key,
                base_url=endpoint.base_url,
                max_retries=endpoint.retries,
                http_client=http,
                default_headers={"Accept-Encoding": "identity"},
            ) as package,
        ):
            yield package


def check_set_up(endpoint: Endpoint, environment: Mapping[str, str]) -> None:
    """Raise BadInput that names the setting which is missing."""
    if not endpoint.base_url:
        raise BadInput(
            "no language model's server is named", "give --base-url, or base_url in [endpoint]"
        )
    if not endpoint.model:
        raise BadInput("no language model is named", "give --model, or model in [endpoint]")
    key = environment.get(endpoint.key, "").strip()
    if not key and not on_loopback(endpoint.base_url):
        raise BadInput(
            f"the environment has no {endpoint.key}, which holds the server's key",
            f"set {endpoint.key} (to any word if the server wants no key)",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise BadInput(f"{endpoint.key} holds characters that no key has", "set it again")


def on_loopback(base_url: str) -> bool:
    """Whether the server is on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
