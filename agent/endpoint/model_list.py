"""The models that a server lists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from agent.endpoint.connection import Connection
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.redaction import redactor_for
from agent.endpoint.refusals import Refusals
from sandbox.errors import EndpointUnreachable

MOST_BYTES = 4 << 20


def list_models(endpoint: Endpoint, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Names, as requests want them. Raises BadInput, EndpointRefused, EndpointUnreachable."""
    import openai

    connection = Connection(endpoint, environment)
    refusals = Refusals(endpoint, redactor_for(endpoint, environment))
    try:
        data = asyncio.run(_list(connection, endpoint.timeout_s))
    except openai.APIError as error:
        raise refusals.of(error) from None
    except TimeoutError:
        raise EndpointUnreachable(
            f"{refusals.where} did not list its models within {endpoint.timeout_s:g} s"
        ) from None
    except (ValueError, RecursionError):
        data = None
    rows = data.get("data") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise refusals.refused("its list of models is none", "see that base_url ends with /v1")
    names = [row.get("id") for row in rows if isinstance(row, dict)]
    return tuple(name for name in names if isinstance(name, str))


async def _list(connection: Connection, wall_s: float) -> object:
    async with asyncio.timeout(wall_s), connection.open(MOST_BYTES) as package:
        data: object = await package.get("/models", cast_to=object)
        return data
