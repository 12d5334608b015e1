"""Files of blocks: an honest one, and those that are not."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HONEST = ROOT / "examples" / "own_block" / "fading_memory.py"

HEAD = """
import torch
from torch import Tensor, nn
from tools.architectures.block import block


def plain(module: nn.Module, x: Tensor) -> Tensor:
    return module(x)


@block("{name}", source="a test", reference=plain)
class Own(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
{body}
"""
STRAIGHT = "return self.out(x)"


def written(folder: Path, name: str, body: str = STRAIGHT, before: str = "") -> Path:
    """A file with a block of that name, whose forward pass is `body`."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    file = folder / f"{name}.py"
    file.write_text(before + HEAD.format(name=name, body=lines), encoding="utf-8")
    return file
