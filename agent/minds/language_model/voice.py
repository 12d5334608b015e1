"""The voice of a language model in a run: a paid client, or a recording; either is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import JsonValue

from agent.budget import Spend
from agent.endpoint.connection import check_set_up
from agent.endpoint.message import Usage, Voice
from agent.endpoint.prices import read_prices
from agent.endpoint.purse import Metered, Purse, check_money
from agent.endpoint.redaction import redactor_for
from agent.endpoint.transcript import FOLDER, Recorded, Replayed, read_exchanges
from agent.lab import Lab
from agent.settings import Settings
from sandbox.records import CostLine, short_id

Environment = Mapping[str, str]


def voice_in(lab: Lab, environment: Environment) -> Voice:
    """Whatever answers in this lab; what it answered before is answered from the run's folder.

    Raises BadInput for an endpoint, a price table or a recording that cannot be used.
    """
    settings, endpoint = lab.settings, lab.settings.endpoint
    voice: Voice
    if settings.replay:
        voice = Replayed.read(Path(settings.replay))
    else:
        from agent.endpoint.client import Client

        purse = Purse(lab.budget, read_prices(endpoint.prices), endpoint, _Accounts(lab))
        voice = Metered(Client(endpoint, environment, lab.check_stop), purse)
    redactor = redactor_for(endpoint, environment)
    return Recorded(voice, lab.folder / FOLDER, redactor, endpoint.model_for)


class _Accounts:
    """A cost line for every exchange, so that a resumed run knows what was spent."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._next = sum(line.what.startswith("mind ") for line in lab.ledger.lines(CostLine))

    def __call__(self, key: str, usage: Usage, dollars: float | None) -> None:
        id = short_id(["mind", key, self._next])
        self._next += 1
        line = CostLine(
            id=id,
            what=f"mind {key}",
            tokens=usage.tokens,
            dollars=dollars or 0.0,
            unpriced_tokens=usage.tokens if dollars is None else 0,
        )
        self._lab.ledger.append(line)


def check_voice(settings: Settings, environment: Environment, caps: Spend | None = None) -> None:
    """Raise BadInput where no request could be answered or paid for."""
    if settings.replay:
        Replayed.read(Path(settings.replay))
        return
    check_set_up(settings.endpoint, environment)
    if caps is not None:
        check_money(settings.endpoint, read_prices(settings.endpoint.prices), caps)


def told_of(settings: Settings) -> dict[str, JsonValue]:
    """Model and host for run.json, never the key; of a recording what it was recorded with."""
    endpoint = settings.endpoint
    if settings.replay:
        models = dict.fromkeys(e.model for e in read_exchanges(Path(settings.replay)) if e.model)
        recorded = ", ".join(models) or "of a recording"
        return {"model": recorded, "host": "", "replay": Path(settings.replay).name}
    models = dict.fromkeys([endpoint.model, *endpoint.models.values()])
    return {"model": ", ".join(models), "host": urlsplit(endpoint.base_url).hostname or ""}
