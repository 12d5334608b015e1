"""Gradient fine-tuning on the labelled dev items that a search would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from sandbox.errors import BadInput
from tools.bench import Bench
from tools.tool import tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.tasks.answer import Block, Speaker

BATCH = 64


class FinetuneArguments(BaseModel):
    """role: the model to start from. task: whose dev items it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str = Field(description="role of the model to start from", min_length=1)
    task: str = Field(description="task whose dev items are learned", min_length=1)
    steps: int = Field(120, ge=1, le=5000, description="gradient steps of up to 64 items")
    dev_items: int | None = Field(None, ge=1, description="use only the first so many dev items")
    learning_rate: float = Field(1e-3, gt=0.0, le=0.1, description="of AdamW, falling linearly")

    def needs(self) -> tuple[str, ...]:
        """Roles whose checkpoints the call reads."""
        return (self.role,)

    def stands_for(self) -> str:
        """The baseline that uses the dev items' labels best."""
        return "fine-tuning"


@tool("finetune", place="sandbox", cpu_s=2.5)
def finetune(arguments: FinetuneArguments, bench: Bench) -> TrialResult:
    """Fine-tune one model by gradient descent on the task's dev items and ask the result."""
    from tools.tasks.answer import Speaker, blocks_of

    if arguments.task not in bench.tasks:
        known = ", ".join(bench.tasks)
        raise BadInput(f"finetune: unknown task {arguments.task!r}", f"known: {known}")
    speaker = Speaker.load(bench.models[arguments.role])
    items = bench.tasks[arguments.task].dev[: arguments.dev_items]
    pairs = [(item.prompt, item.answer) for item in items]
    _descend(speaker, blocks_of(speaker.tokenizer, pairs, len(pairs)), arguments, bench.seed)
    predictions = speaker.predict_all(bench.tasks)
    return TrialResult(predictions=predictions, steps=arguments.steps)


def _descend(
    speaker: Speaker, blocks: Sequence[Block], arguments: FinetuneArguments, seed: int
) -> None:
    """Take the steps, in place: AdamW (0.9, 0.98), gradients clipped to norm 1, rate down to 5%."""
    import torch

    from tools.merging.train import stream

    model = speaker.model.train()
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        learned, lr=arguments.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    draw = torch.Generator().manual_seed(stream(seed, "finetune", arguments.role))
    sizes = torch.tensor([float(len(block.rows)) for block in blocks])
    for step in range(arguments.steps):
        block = blocks[int(torch.multinomial(sizes, 1, generator=draw))]
        some = torch.randperm(len(block.rows), generator=draw)[:BATCH]
        logits = speaker.logits(block.tokens[some], block.answers.shape[1])
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), block.answers[some].flatten()
        )
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, 1.0, foreach=True)
        for group in optimizer.param_groups:
            group["lr"] = arguments.learning_rate * (1 - 0.95 * step / arguments.steps)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
