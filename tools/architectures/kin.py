"""What a call of train_architecture would train, known before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import JsonValue

from sandbox.errors import BadInput
from tools.actions.train_architecture import sized
from tools.architectures.architecture import Architecture
from tools.architectures.matching import Ruler
from tools.architectures.training_arguments import TimedTrainingArguments


def trained(arguments: Mapping[str, JsonValue]) -> Architecture | None:
    """The architecture of blocks, after matching; None where it cannot be made or has no such size.

    Nothing is allocated.
    """
    call = TimedTrainingArguments.model_validate(arguments)
    try:
        with torch.device("meta"):
            found, _ = sized(call, call.drawn_size)
            _ruler(call).measure(found)
    except BadInput:
        return None
    return found if isinstance(found, Architecture) else None


def parameters(arguments: Mapping[str, JsonValue], body: Architecture) -> float:
    """Of that architecture on the call's task. Raises BadInput for what cannot be made."""
    with torch.device("meta"):
        return _ruler(TimedTrainingArguments.model_validate(arguments)).measure(body)


def _ruler(call: TimedTrainingArguments) -> Ruler:
    size = call.drawn_size
    return Ruler("parameters", size.vocabulary, size.length, size.classes)
