"""Train the miniature's models: real gradient steps on real items, in seconds on one CPU thread."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.errors import UnknownName
from tools.merging.forward import answer_logits, plain_shape
from tools.merging.profile import Profile
from tools.merging.words import COUNT, ID, LENGTH, NUMBERS, SPECIAL, VOCABULARY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

BATCH = 64
WARMUP = 30
EASY = ("copy", "successor", "bigger")


@dataclass(frozen=True)
class Course:
    """What one role is trained on: (task, language) drawn uniformly.

    The language `mixed` draws one for each word.
    Without mixed items the composed skill does not transfer: they tie the two languages' words
    together.
    """

    mixture: tuple[tuple[str, str], ...]
    steps: int
    rate: float
    freeze_embeddings: bool


def course_of(role: str, profile: Profile) -> Course:
    """The course of a miniature role. Raises UnknownName."""
    skill = (("largest", "en"),)
    language = tuple((task, "ko") for task in EASY)
    tongues = ("en", "ko") * (profile.mixed_in // 2) + ("mixed",)
    first = tuple((task, tongue) for tongue in tongues for task in EASY)
    courses = {
        "base": Course(first, profile.base_steps, 3e-3, False),
        "skill": Course(skill, profile.expert_steps, 1e-3, True),
        "language": Course(language, profile.expert_steps, 1e-3, True),
        # Each language item thrice, so that half of the joint items are the skill's.
        "joint": Course(skill * 3 + language, profile.joint_steps, 1e-3, True),
    }
    courses["foreign-base"] = courses["base"]
    courses["foreign"] = courses["language"]
    if role not in courses:
        raise UnknownName("role", role, list(courses))
    return courses[role]


def new_model(seed: int, role: str) -> LlamaForCausalLM:
    """An untrained LlamaForCausalLM of 131,520 parameters, from the seed and the role's name."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        bos_token_id=ID["<bos>"],
        eos_token_id=ID["<eos>"],
        pad_token_id=ID["<pad>"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, role, "weights"))
        return LlamaForCausalLM(config)


def new_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, split at spaces, `<bos>` in front: an ordinary fast tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel(dict(ID), unk_token="<unk>"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", ID["<bos>"])]
    )
    names = dict(zip(("bos_token", "eos_token", "pad_token", "unk_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=words, **names)  # type: ignore[no-untyped-call]


def train(
    model: PreTrainedModel,
    course: Course,
    seed: int,
    role: str,
    held_out: Iterable[tuple[int, ...]],
) -> None:
    """Take the course's steps, in place. held_out: number tuples that no training item may have.

    AdamW (0.9, 0.98), decay 0.01, 30 warm-up steps then linear to 5%, gradients clipped to norm 1,
    loss on the answer.
    """
    import torch

    tokens, answers = draw_items(course, seed, role, held_out)
    model.model.embed_tokens.requires_grad_(not course.freeze_embeddings)
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        learned, lr=course.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    shape = plain_shape(model.config)
    assert shape is not None
    weights = dict(model.named_parameters())
    for step in range(course.steps):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        logits = answer_logits(weights, shape, tokens[rows])[:, 0]
        loss = torch.nn.functional.cross_entropy(logits, answers[rows])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, 1.0, foreach=True)
        for group in optimizer.param_groups:
            group["lr"] = course.rate * _slope(step, course.steps)
        optimizer.step()
        optimizer.zero_grad()
    model.requires_grad_(True)


def _slope(step: int, steps: int) -> float:
    """Share of the learning rate at `step`: up over the warm-up, then down a line to 5%."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    return 1.0 - 0.95 * (step - WARMUP) / max(1, steps - WARMUP)


def draw_items(
    course: Course, seed: int, role: str, held_out: Iterable[tuple[int, ...]]
) -> tuple[Tensor, Tensor]:
    """Training items of the whole course: token ids (steps * 64, 10) and answers (steps * 64)."""
    import numpy as np
    import torch

    draw = np.random.default_rng(stream(seed, role, "items"))
    count = course.steps * BATCH
    numbers = _numbers(draw, count, held_out)
    pick = draw.integers(len(course.mixture), size=count)
    tasks = np.array([task for task, _ in course.mixture])[pick]
    tongues = np.array([tongue for _, tongue in course.mixture])[pick]
    mixed = tongues == "mixed"
    korean = np.where(mixed, draw.random(count) < 0.5, tongues == "ko")
    word_korean = np.where(mixed[:, None], draw.random(numbers.shape) < 0.5, korean[:, None])
    words = np.array([[ID[w] for w in NUMBERS[tongue]] for tongue in ("en", "ko")])
    marks = np.stack([
        np.full(count, ID["<bos>"]),
        np.where(korean, ID["<ko>"], ID["<en>"]),
        np.array([ID[f"<{task}>"] for task, _ in course.mixture])[pick],
    ], axis=1)  # fmt: skip
    tokens = np.concatenate(
        [marks, words[word_korean.astype(int), numbers], np.full((count, 1), ID["="])], axis=1
    )
    answers = words[korean.astype(int), _answers(tasks, numbers)]
    return torch.from_numpy(tokens), torch.from_numpy(answers)


def _answers(tasks: NDArray[np.str_], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """words.answer_to for many items at once."""
    import numpy as np

    return np.select(
        [tasks == "copy", tasks == "successor", tasks == "bigger"],
        [numbers[:, 0], (numbers[:, 0] + 1) % COUNT, numbers[:, :2].max(1)],
        numbers.max(1),
    )


def _numbers(
    draw: np.random.Generator, count: int, held_out: Iterable[tuple[int, ...]]
) -> NDArray[np.int64]:
    """`count` rows of six distinct numbers, none of them a held-out tuple."""
    import numpy as np

    place = COUNT ** np.arange(LENGTH)
    forbidden = np.array(sorted({tuple(n) for n in held_out}), dtype=np.int64)
    codes = forbidden.reshape(-1, LENGTH) @ place
    rows = _distinct(draw, count)
    while (bad := np.isin(rows @ place, codes)).any():
        rows[bad] = _distinct(draw, int(bad.sum()))
    return rows


def _distinct(draw: np.random.Generator, count: int) -> NDArray[np.int64]:
    import numpy as np

    return np.argsort(draw.random((count, COUNT)), axis=1)[:, :LENGTH].astype(np.int64)


def stream(seed: int, *names: str) -> int:
    """A seed of its own for each purpose: 63 bits from the seed and the names."""
    text = "/".join((str(seed), *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
