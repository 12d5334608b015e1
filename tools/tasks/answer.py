"""Run a language model on a task: predictions for every item, and how well it fits the dev answers.

Exact match decodes greedily up to `answer_tokens`; multiple choice takes the option of the highest
log-likelihood per token. An answer is joined to its prompt by one space, unless the prompt ends
with white space.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from sandbox.records import Split
from tools.merging.forward import answer_logits, plain_shape
from tools.tasks.task import Item, Question, TaskView

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ROWS = 64
"""Sequences of one forward pass: activations of a small model then stay in the processor's
cache."""


@dataclass(frozen=True)
class Block:
    """Sequences of equal shape, so that nothing is padded.

    tokens: (B, T), the last answer token left out. answers: (B, A), predicted by the last A
    positions. rows: which sequence each is, in the order given to `blocks_of`.
    """

    tokens: Tensor
    answers: Tensor
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Fit:
    """How a model does on known answers: accuracy in [0, 1], cross-entropy in nats."""

    accuracy: float
    cross_entropy: float


class Speaker:
    """A loaded model with its tokenizer."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Take a transformers causal language model, in eval mode, and its tokenizer."""
        self.model = model
        self.tokenizer = tokenizer
        self._shape = plain_shape(model.config)
        self._weights = dict(model.named_parameters())

    @classmethod
    def load(cls, folder: Path) -> Speaker:
        """Open a Hugging Face checkpoint in float32. Runs none of its code."""
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True
        )
        return cls(model.eval(), load_tokenizer(folder))  # type: ignore[no-untyped-call]

    def logits(self, tokens: Tensor, keep: int) -> Tensor:
        """Logits of the last `keep` positions: (B, keep, vocabulary)."""
        if self._shape is not None:
            return answer_logits(self._weights, self._shape, tokens, keep)
        found: Tensor = self.model(input_ids=tokens, use_cache=False, logits_to_keep=keep).logits[
            :, -keep:
        ]
        return found

    def answer(self, view: TaskView, questions: Sequence[Question | Item]) -> list[str]:
        """One prediction for each question."""
        import torch

        with torch.inference_mode():
            if view.kind == "multiple_choice":
                return self._choose(questions)
            if view.answer_tokens == 1:
                return self._one_word(questions)
            return self._write(questions, view.answer_tokens)

    def predict(self, view: TaskView) -> dict[Split, list[str]]:
        """Predictions for the task's dev and test items."""
        return {"dev": self.answer(view, view.dev), "test": self.answer(view, view.test)}

    def predict_all(self, tasks: Mapping[str, TaskView]) -> dict[str, dict[Split, list[str]]]:
        """Predictions for every task."""
        return {name: self.predict(view) for name, view in tasks.items()}

    def _one_word(self, questions: Sequence[Question | Item]) -> list[str]:
        said: list[str] = [""] * len(questions)
        words: dict[int, str] = {}
        for tokens, rows in _by_length(self._prompts(questions)):
            likeliest = self.logits(tokens, 1)[:, 0].argmax(-1).tolist()
            for row, token in zip(rows, likeliest, strict=True):
                if token not in words:
                    words[token] = self._decode([token])
                said[row] = words[token]
        return said

    def _write(self, questions: Sequence[Question | Item], most: int) -> list[str]:
        import torch

        stop = self.tokenizer.eos_token_id
        said: list[str] = [""] * len(questions)
        for tokens, rows in _by_length(self._prompts(questions)):
            found = self.model.generate(  # type: ignore[operator]
                tokens,
                attention_mask=torch.ones_like(tokens),
                do_sample=False,
                num_beams=1,
                max_new_tokens=most,
                pad_token_id=stop if stop is not None else 0,
            )
            for row, line in zip(rows, found[:, tokens.shape[1] :].tolist(), strict=True):
                said[row] = self._decode(line)
        return said

    def _choose(self, questions: Sequence[Question | Item]) -> list[str]:
        """The option whose tokens have the highest mean log-likelihood; the first of equals."""
        options = [(n, choice) for n, q in enumerate(questions) for choice in q.choices]
        pairs = [(questions[n].prompt, choice) for n, choice in options]
        likely = self.likelihood(blocks_of(self.tokenizer, pairs), len(pairs))
        best: dict[int, tuple[float, str]] = {}
        for (n, choice), value in zip(options, likely.tolist(), strict=True):
            if n not in best or value > best[n][0]:
                best[n] = (value, choice)
        return [best[n][1] for n in range(len(questions))]

    def likelihood(self, blocks: Iterable[Block], count: int) -> Tensor:
        """Mean log-likelihood of the answer tokens of each of `count` sequences."""
        import torch

        found = torch.zeros(count)
        for block in blocks:
            chances = self.logits(block.tokens, block.answers.shape[1]).log_softmax(-1)
            mean = chances.gather(-1, block.answers[..., None])[..., 0].mean(-1)
            found[torch.tensor(block.rows)] = mean.float()
        return found

    def _prompts(self, questions: Sequence[Question | Item]) -> list[list[int]]:
        return encode(self.tokenizer, [question.prompt for question in questions])

    def _decode(self, tokens: list[int]) -> str:
        """Text of an answer: up to its first line break, without special tokens."""
        text = self.tokenizer.decode(tokens, skip_special_tokens=True)
        assert isinstance(text, str)
        return (text.strip().splitlines() or [""])[0].strip()


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The checkpoint's own tokenizer: tokenizer.json as it is written, where there is one.

    AutoTokenizer would rebuild it for some architectures and so change other people's vocabularies.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    whole = (folder / "tokenizer.json").is_file()
    kind = PreTrainedTokenizerFast if whole else AutoTokenizer
    return kind.from_pretrained(folder, local_files_only=True)


def examine(
    view: TaskView, tokenizer: PreTrainedTokenizerBase, items: Sequence[Item]
) -> Callable[[Speaker], Fit]:
    """An examination on dev items, encoded once and used for every candidate of a search.

    Exact match: right when every answer token is the most likely one given those before it, which
    is what greedy decoding would write. Multiple choice: the cross-entropy is over the options.
    """
    if view.kind == "multiple_choice":
        return _examine_choices(tokenizer, items)
    blocks = blocks_of(tokenizer, [(item.prompt, item.answer) for item in items])

    def ask(speaker: Speaker) -> Fit:
        import torch

        right, loss = 0, 0.0
        with torch.inference_mode():
            for block in blocks:
                logits = speaker.logits(block.tokens, block.answers.shape[1])
                right += int((logits.argmax(-1) == block.answers).all(-1).sum())
                chances = logits.log_softmax(-1).gather(-1, block.answers[..., None])
                loss -= float(chances[..., 0].mean(-1).double().sum())
        return Fit(right / len(items), loss / len(items))

    return ask


def _examine_choices(
    tokenizer: PreTrainedTokenizerBase, items: Sequence[Item]
) -> Callable[[Speaker], Fit]:
    pairs = [(item.prompt, choice) for item in items for choice in item.choices]
    blocks = blocks_of(tokenizer, pairs)
    sizes = [len(item.choices) for item in items]
    places = [item.choices.index(item.answer) for item in items]

    def ask(speaker: Speaker) -> Fit:
        import torch

        with torch.inference_mode():
            rows = speaker.likelihood(blocks, len(pairs)).double().split(sizes)  # type: ignore[no-untyped-call]
        right = sum(int(row.argmax()) == place for row, place in zip(rows, places, strict=True))
        loss = -sum(float(r.log_softmax(0)[p]) for r, p in zip(rows, places, strict=True))
        return Fit(right / len(items), loss / len(items))

    return ask


def blocks_of(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[tuple[str, str]], most: int = ROWS
) -> list[Block]:
    """Prompts with their answers as token blocks of at most `most` rows.

    Raises BadInput when an answer adds no token.
    """
    import torch

    prompts = encode(tokenizer, [prompt for prompt, _ in pairs])
    wholes = encode(tokenizer, [joined(prompt, answer) for prompt, answer in pairs])
    shapes: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for row, (prompt, whole) in enumerate(zip(prompts, wholes, strict=True)):
        same = next(
            (n for n, (a, b) in enumerate(zip(prompt, whole, strict=False)) if a != b),
            min(len(prompt), len(whole)),
        )
        if not 0 < same < len(whole):
            raise BadInput(
                f"item {row + 1}: the answer {pairs[row][1]!r} adds no token to its prompt",
                "give prompts and answers that the models' tokenizer can tell apart",
            )
        shapes[len(whole), len(whole) - same].append(row)
    blocks = []
    for (length, tail), rows in sorted(shapes.items()):
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            ids = torch.tensor([wholes[row] for row in some])
            blocks.append(Block(ids[:, :-1].contiguous(), ids[:, length - tail :], tuple(some)))
    return blocks


def joined(prompt: str, answer: str) -> str:
    """Prompt and answer as one text."""
    return f"{prompt}{answer}" if prompt[-1:].isspace() else f"{prompt} {answer.lstrip()}"


def encode(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    """Token ids of each text, without an end-of-text token that a tokenizer may add."""
    if not texts:
        return []
    stop = tokenizer.eos_token_id
    found: list[list[int]] = tokenizer(texts)["input_ids"]
    return [ids[:-1] if len(ids) > 1 and ids[-1] == stop else ids for ids in found]


def _by_length(prompts: list[list[int]]) -> Iterable[tuple[Tensor, list[int]]]:
    """Blocks of equally long prompts, with their rows."""
    import torch

    lengths: defaultdict[int, list[int]] = defaultdict(list)
    for row, ids in enumerate(prompts):
        lengths[len(ids)].append(row)
    for _, rows in sorted(lengths.items()):
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            yield torch.tensor([prompts[row] for row in some]), some
