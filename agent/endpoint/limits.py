"""Bounds on what a server may send: bytes of a body, and no compressed ones that unfold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from sandbox.errors import EndpointRefused, ReplyUnusable

if TYPE_CHECKING:
    import httpx2

FIX = "use another model or server, or ask for fewer tokens"


class Metre:
    """Counts the bytes of all bodies of one ask, refused or not. most: of one body."""

    def __init__(self, most: int, where: str) -> None:
        self.most = most
        self._where = where

    async def watch(self, response: httpx2.Response) -> None:
        """Bound the body that is about to be read. Raises EndpointRefused, ReplyUnusable."""
        import httpx2

        encoding = response.headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise EndpointRefused(
                f"{self._where} sent a body encoded as {encoding[:20]!r}, which was not asked for",
                "serve plain bodies",
            )
        stream = response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        response.stream = _bounded(stream, self)

    def refuse(self) -> ReplyUnusable:
        """What is raised at the bound."""
        return ReplyUnusable(
            f"{self._where} sent more than {self.most >> 10} KiB for one reply", FIX
        )


def _bounded(stream: httpx2.AsyncByteStream, metre: Metre) -> httpx2.AsyncByteStream:
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            seen = 0
            async for chunk in stream:
                seen += len(chunk)
                if seen > metre.most:
                    raise metre.refuse()
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()
