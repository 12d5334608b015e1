"""Files of objectives: an honest one, and those that are not."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HONEST = ROOT / "examples" / "own_objective" / "hard_answers.py"

HEAD = """
import torch
from torch import Tensor, nn
from tools.architectures.backbone import Backbone
from tools.architectures.objective import objective
from tools.architectures.objectives.next_token import NextToken


@objective("{name}", source="a test", likelihood="exact")
class Own(NextToken):
{body}
"""
LOSS = "def loss(self, model, tokens, targets, draw):\n    "
PLAIN = "super().loss(model, tokens, targets, draw)"


def written(folder: Path, name: str, body: str = f"{LOSS}return {PLAIN}") -> Path:
    """A file with an objective of that name; the body is that of its class."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    file = folder / f"{name}.py"
    file.write_text(HEAD.format(name=name, body=lines), encoding="utf-8")
    return file
