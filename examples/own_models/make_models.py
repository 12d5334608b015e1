"""Make three small GPT-NeoX checkpoints and JSONL tasks, as an example of bringing your own models.

    python examples/own_models/make_models.py OUT [SEED] && hanji run OUT/topic.yaml

An item asks for one of five letters by its place. The base knows the second, third and fourth; one
expert learns the first as well, the other the last. Each solves half of the question's task, which
mixes first and last, and the base none of it: whether a merge does both is what the run measures.
Not every base lets its experts merge; another SEED (0 if left out) makes another base.
"""

import copy
import json
import random
import shutil
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

LETTERS = list("abcdefghijklmnopqrstuvwxyz")
PLACES = ["first", "second", "third", "fourth", "last"]
MIDDLE = PLACES[1:4]
WORDS = ["<pad>", "<eos>", "<unk>", *PLACES, "of", "is", *LETTERS]
ID = {word: n for n, word in enumerate(WORDS)}


def item(draw: random.Random, asked: list[str], held_out: bool) -> dict[str, str]:
    """One row of letters in four is for the task files, and no model is trained on it."""
    letters, place = draw.sample(LETTERS, 5), draw.choice(asked)
    while (sum(map(ord, letters)) % 4 == 0) != held_out:
        letters = draw.sample(LETTERS, 5)
    answer = letters[PLACES.index(place)]
    return {"prompt": f"{place} of {' '.join(letters)} is", "answer": answer}


def learn(model: GPTNeoXForCausalLM, asked: list[str], steps: int, seed: int) -> None:
    draw = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98), fused=True)
    for _ in range(steps):
        batch = [item(draw, asked, held_out=False) for _ in range(64)]
        tokens = torch.tensor([[ID[word] for word in one["prompt"].split()] for one in batch])
        answers = torch.tensor([ID[one["answer"]] for one in batch])
        logits = model(input_ids=tokens, use_cache=False, logits_to_keep=1).logits[:, -1]
        torch.nn.functional.cross_entropy(logits, answers).backward()
        optimizer.step()
        optimizer.zero_grad()


def main(out: Path, seed: int) -> None:
    words = Tokenizer(models.WordLevel(ID, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>")
    shape = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2}
    torch.manual_seed(seed)
    base = GPTNeoXForCausalLM(GPTNeoXConfig(vocab_size=len(WORDS), num_attention_heads=4, **shape))
    learn(base, MIDDLE, steps=200, seed=1)
    made = {"base": base, "firsts": copy.deepcopy(base), "lasts": copy.deepcopy(base)}
    learn(made["firsts"], ["first", *MIDDLE], steps=150, seed=2)
    learn(made["lasts"], ["last", *MIDDLE], steps=150, seed=2)
    for name, model in made.items():
        model.save_pretrained(out / name)
        tokenizer.save_pretrained(out / name)
    tasks = {"either": ["first", "last"], "first": ["first"], "last": ["last"], "middle": MIDDLE}
    for name, asked in tasks.items():
        draw = random.Random(name)
        lines = {json.dumps(item(draw, asked, held_out=True)) for _ in range(2400)}
        (out / f"{name}.jsonl").write_text("\n".join(sorted(lines)) + "\n")
    shutil.copy(Path(__file__).with_name("topic.yaml"), out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
