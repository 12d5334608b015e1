"""Where a language model is asked: an OpenAI-compatible server, named by settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.endpoint.message import Role


class Endpoint(BaseModel):
    """The `[endpoint]` table of hanji.toml.

    base_url: up to and with `/v1`. models: a role's own model, where it is not `model`. key: name
    of the environment variable that holds the key, never the key itself. api: the dialect.
    structured: `auto` asks the server once whether it honours a JSON schema. stream: read the reply
    as it is written. temperature: below zero leaves it to the server. context: tokens that a
    request and its reply may have together. prices: a YAML file of dollars for a million tokens by
    model; without one, money is unknown, not zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = ""
    model: str = ""
    models: Mapping[Role, str] = Field(default_factory=dict)
    key: str = "OPENAI_API_KEY"
    api: Literal["chat", "responses"] = "chat"
    structured: Literal["auto", "schema", "prompt"] = "auto"
    stream: bool = True
    timeout_s: float = Field(default=120.0, gt=0, le=3600)
    retries: int = Field(default=4, ge=0, le=10)
    temperature: float = Field(default=-1.0, le=2.0)
    context: int = Field(default=32_768, ge=2048)
    prices: Path | None = None

    def model_for(self, role: Role) -> str:
        """The model that answers requests of this role."""
        return self.models.get(role, self.model)
