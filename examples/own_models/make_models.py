"""Make three small GPT-NeoX checkpoints and JSONL tasks, as an example of bringing your own models.

    python examples/own_models/make_models.py OUT && hanji run OUT/topic.yaml

The base names the first or the last of five letters; each expert practises one and forgets the
other, so a merge is asked to bring both together again.
"""

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
WORDS = ["<pad>", "<eos>", "<unk>", "first", "last", "of", "is", *LETTERS]


def item(draw: random.Random, kinds: list[str]) -> dict[str, str]:
    kind, letters = draw.choice(kinds), draw.sample(LETTERS, 5)
    answer = letters[0] if kind == "first" else letters[-1]
    return {"prompt": f"{kind} of {' '.join(letters)} is", "answer": answer}


def learn(model: GPTNeoXForCausalLM, kinds: list[str], steps: int, rate: float, seed: int) -> None:
    draw, place = random.Random(seed), {word: n for n, word in enumerate(WORDS)}
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), fused=True)
    for _ in range(steps):
        batch = [item(draw, kinds) for _ in range(64)]
        tokens = torch.tensor([[place[word] for word in one["prompt"].split()] for one in batch])
        answers = torch.tensor([place[one["answer"]] for one in batch])
        logits = model(input_ids=tokens, use_cache=False, logits_to_keep=1).logits[:, -1]
        torch.nn.functional.cross_entropy(logits, answers).backward()
        optimizer.step()
        optimizer.zero_grad()


def main(out: Path) -> None:
    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>")
    shape = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2}
    config = GPTNeoXConfig(vocab_size=len(WORDS), num_attention_heads=4, **shape)
    torch.manual_seed(0)
    base = GPTNeoXForCausalLM(config)
    learn(base, ["first", "last"], 150, 3e-3, seed=1)
    for name, kinds in (("base", []), ("firsts", ["first"]), ("lasts", ["last"])):
        expert = GPTNeoXForCausalLM(config)
        expert.load_state_dict(base.state_dict())
        learn(expert, kinds, 200 if kinds else 0, 3e-3, seed=2)
        expert.save_pretrained(out / name)
        tokenizer.save_pretrained(out / name)
    for name, kinds in (("either", ["first", "last"]), ("first", ["first"]), ("last", ["last"])):
        draw = random.Random(name)
        lines = {json.dumps(item(draw, kinds)) for _ in range(1200)}
        (out / f"{name}.jsonl").write_text("\n".join(sorted(lines)) + "\n")
    shutil.copy(Path(__file__).with_name("topic.yaml"), out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    main(Path(sys.argv[1]))
