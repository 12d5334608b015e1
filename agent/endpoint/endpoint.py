"""Where a language model is asked: an OpenAI-compatible server, named by settings alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent.endpoint.message import Role


class Endpoint(BaseModel):
    """The `[endpoint]` table of hanji.toml.

    base_url: up to and with `/v1`. models: a role's own model, where it is not `model`. key: name
    of the environment variable that holds the key, never the key itself. api: the dialect.
    structured: `auto` sends JSON schemas until the server refuses one; the prompt holds them too.
    stream: read the reply as it is written. timeout_s: of one silence; a whole exchange may take
    five of them. temperature: below zero leaves it to the server. context: tokens that a request
    and its reply may have together. prices: a YAML file of dollars for a million tokens by model;
    without one, money is unknown, not zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

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

    @field_validator("base_url")
    @classmethod
    def _address(cls, text: str) -> str:
        """An address is kept and printed, so nothing secret may be a part of it."""
        text = text.strip().rstrip("/")
        if not text:
            return text
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address such as http://127.0.0.1:8000/v1 is needed")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("no user name, password, query or fragment may be in it")
        return text

    @field_validator("key")
    @classmethod
    def _variable(cls, name: str) -> str:
        """A key that was put here by mistake must not be echoed either."""
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", name):
            raise ValueError(
                "name the environment variable that holds the key, such as OPENAI_API_KEY, in "
                "capital letters; never the key itself"
            )
        return name

    def model_for(self, role: Role) -> str:
        """The model that answers requests of this role."""
        return self.models.get(role, self.model)
