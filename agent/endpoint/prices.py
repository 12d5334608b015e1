"""What a model's tokens cost, from a YAML file that the person keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agent.endpoint.message import Usage
from sandbox.errors import BadInput

MILLION = 1_000_000
LARGEST_BYTES = 1 << 20
SHAPE = (
    "write lines such as `some-model: {input: 2.5, output: 10}`, in dollars for a million tokens"
)


class Price(BaseModel):
    """Dollars for a million tokens of the prompt, and of the reply."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class PriceTable:
    """Prices by model, as the settings name it. where: the file, for messages."""

    def __init__(self, prices: Mapping[str, Price], where: Path | None = None) -> None:
        self._prices = dict(prices)
        self.where = where

    def find(self, model: str) -> Price | None:
        """The model's price, None when the table has none."""
        return self._prices.get(model)

    def cost(self, model: str, usage: Usage) -> float | None:
        """Dollars of an exchange, None when the price is not known."""
        price = self.find(model)
        if price is None:
            return None
        return (price.input * usage.prompt + price.output * usage.completion) / MILLION

    def mend(self, model: str) -> str:
        """What a person does about a missing price."""
        if self.where is None:
            return f"set `prices` in [endpoint] of hanji.toml to a YAML file with {model!r} in it"
        return f"add {model!r} to {self.where}: {SHAPE}"


def read_prices(path: Path | None) -> PriceTable:
    """The table in the file, an empty one without a file. Raises BadInput naming the field."""
    if path is None:
        return PriceTable({})
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadInput(f"price table {path} is larger than a price table", SHAPE)
        prices = _TABLE.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise BadInput(f"price table {path}: {error.strerror}", SHAPE) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"price table {path} is not YAML", SHAPE) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadInput(f"price table {path}: {where}: {first['msg']}", SHAPE) from error
    return PriceTable(prices, path)


_TABLE = TypeAdapter(dict[str, Price])
