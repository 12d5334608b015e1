"""A trained architecture on disk: `architecture.json` and `model.safetensors`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.new_backbone import new_backbone
from tools.atomic import write_atomically

DESCRIPTION, WEIGHTS = "architecture.json", "model.safetensors"


class Description(BaseModel):
    """`architecture.json`: all that is needed to make the model anew but for its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Architecture
    vocabulary: int = Field(ge=1)
    outputs: int = Field(ge=1)


def save(model: Backbone, folder: Path) -> None:
    """Write the model; shared weights are written once."""
    from safetensors.torch import save_model

    outputs, vocabulary = model.head.out_features, model.embedding.num_embeddings
    description = Description(
        architecture=model.architecture, vocabulary=vocabulary, outputs=outputs
    )
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, str(folder / WEIGHTS))
    write_atomically(folder / DESCRIPTION, description.model_dump_json(indent=1) + "\n")


def load(folder: Path) -> Backbone:
    """The model as it was saved, ready to predict. Runs none of the folder's code.

    Raises BadInput when the folder is no such checkpoint, UnknownName for blocks that are not
    there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    try:
        description = Description.model_validate_json((folder / DESCRIPTION).read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(
            f"{folder}: holds no whole {DESCRIPTION}", "give the folder of a trained architecture"
        ) from error
    model = new_backbone(description.architecture, description.vocabulary, description.outputs)
    try:
        load_model(model, folder / WEIGHTS)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BadInput(
            f"{folder}: {WEIGHTS} does not fit {DESCRIPTION}", "copy the folder again"
        ) from error
    return model.eval()
