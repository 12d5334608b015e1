"""A mind's replies, kept before they are acted on: a resumed run never asks twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sandbox.errors import CannotResume
from tools.atomic import write_atomically

R = TypeVar("R", bound=BaseModel)


class Replies:
    """One JSON file a reply below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, key: str, kind: type[R], ask: Callable[[], R]) -> R:
        """The reply kept under `key`, or the answer of `ask`, which is then kept.

        Raises CannotResume.
        """
        path = self._folder / f"{key}.json"
        if path.exists():
            try:
                return kind.model_validate_json(path.read_bytes())
            except ValidationError as error:
                raise CannotResume(
                    f"{path.name} is not a reply of this version", "start a new run"
                ) from error
        reply = ask()
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, reply.model_dump_json(indent=1) + "\n")
        return reply
