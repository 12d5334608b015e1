"""`transformers serve` with a tiny random model: what it honours, and a whole run against it.

    python -P benchmarks/transformers_serve.py

needs `pip install "transformers[serving]"`, here or in the environment of --python. The model is
untrained and made here, so what it says is gibberish: the server is measured, and that a run with a
model that is of no use ends within its budget in an honest report. --litellm PATH puts that proxy
between the two as well. Writes benchmarks/results/minds.json and minds.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PROMPTS = HERE.parent / "agent" / "prompts"
WORDS = 1024
ENDS = "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""As the models of Qwen have it: the server finds the reply by it."""
LENGTH = (100, 1.1)
"""From so many tokens on, the end of a reply grows likelier by that factor a token."""
START_S = 180
KEY = f"sk-{secrets.token_hex(32)}"
"""Of a proxy that would not start without one."""


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A small vocabulary, from the texts that Hanji asks with."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=["<|endoftext|>", "<|im_start|>", ENDS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train([str(path) for path in sorted(PROMPTS.glob("*.md"))], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token=ENDS, pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(folder: Path) -> None:
    """Save an untrained Qwen2 with its tokenizer; it comes to an end of itself, at any place."""
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM
    from transformers.utils import logging

    tokenizer = make_tokenizer()
    torch.manual_seed(0)
    shape = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32_768,
        initializer_range=0.5,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    logging.disable_progress_bar()
    model = Qwen2ForCausalLM(shape)
    ends = {"eos_token_id": shape.eos_token_id, "pad_token_id": shape.pad_token_id}
    model.generation_config = GenerationConfig(**ends, exponential_decay_length_penalty=LENGTH)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[str]:
    """The address of a server on that port of loopback, while it runs."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment["LITELLM_MASTER_KEY"] = KEY
    with log.open("w") as file:
        server = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        wait_for(port, server, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when somebody listens there."""
    ends = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    sys.exit(f"the server did not start:\n{log.read_text()[-2000:]}")


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def transformers_serve(python: str, model: Path) -> Iterator[str]:
    """`transformers serve` of the model in that folder."""
    port = free_port()
    command = [python, "-P", "-m", "transformers.cli.transformers", "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with running(command, port, model.parent / "serve.log") as base_url:
        yield base_url


@contextmanager
def litellm(program: str, base_url: str, model: Path) -> Iterator[str]:
    """litellm's proxy before that server; the model keeps its name."""
    port, config = free_port(), model.parent / "litellm.yaml"
    to = {"model": f"openai/{model}", "api_base": base_url, "api_key": KEY}
    config.write_text(
        yaml.safe_dump({"model_list": [{"model_name": str(model), "litellm_params": to}]})
    )
    command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with running(command, port, model.parent / "litellm.log") as proxy:
        yield proxy


def asked(script: str, base_url: str, model: Path, *more: str) -> dict[str, Any]:
    """The report of another script of this folder on that server."""
    report = model.parent / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-P", str(HERE / script), "--base-url", base_url]
    command += ["--model", str(model), "--report", str(report), *more]
    subprocess.run(command, env=os.environ | {"OPENAI_API_KEY": KEY}, check=False)
    if not report.is_file():
        sys.exit(f"{script} left no report")
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def version_of(python: str, package: str) -> str:
    """The package's version in the environment of that interpreter."""
    said = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run(
        [python, "-P", "-c", said], capture_output=True, text=True, check=True
    ).stdout.strip()


def measured(python: str, proxy: str, runs: Sequence[str]) -> dict[str, Any]:
    """Everything, from a server that is started for it."""
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "tiny"
        make_model(model)
        began = time.monotonic()
        with transformers_serve(python, model) as base_url:
            up_s = round(time.monotonic() - began, 1)
            server = f"transformers serve {version_of(python, 'transformers')}"
            print(f"{server}, up after {up_s} s", flush=True)
            honours = asked("minds.py", base_url, model)
            whole = {server: asked("mind_run.py", base_url, model, *runs)}
            if proxy:
                with litellm(proxy, base_url, model) as before_it:
                    beside = str(Path(proxy).with_name("python"))
                    gateway = f"litellm {version_of(beside, 'litellm')} before it"
                    whole[gateway] = asked("mind_run.py", before_it, model, *runs)
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),
    }
    return {"server": server, "up_s": up_s, "machine": machine, "honours": honours, "runs": whole}


def page(report: Mapping[str, Any]) -> str:
    """The report for people."""
    machine, runs = report["machine"], report["runs"]
    honours = {k: v for k, v in report["honours"].items() if isinstance(v, str)}
    lines = [
        "# A server whose model is of no use",
        "",
        f"`python -P benchmarks/transformers_serve.py`: Python {machine['python']}, "
        f"{machine['cores']} cores, load average {machine['load']}. The model is untrained, made "
        "by the script, and says gibberish; nothing here is about a model.",
        "",
        f"## What {report['server']} honours",
        "| | |",
        "|---|---|",
        *(f"| {name} | {found} |" for name, found in honours.items()),
        "",
        "## A whole run with it as the mind",
        "`benchmarks/mind_run.py`: one hypothesis on merging, two seeds. What has to hold with any "
        "model, and what came of it:",
        "",
        f"| | {' | '.join(runs)} |",
        f"|---{'|---' * len(runs)}|",
        *(row(name, [run["held"][name] for run in runs.values()]) for name in first(runs)["held"]),
        row("wall time, s", [f"{r['wall_s']:,} of {r['wall_cap_s']:,}" for r in runs.values()]),
        row("tokens", [f"{r['tokens']:,} of {r['tokens_cap']:,}" for r in runs.values()]),
        *(
            row(f"requests: {name}", [run["requests"][name] for run in runs.values()])
            for name in first(runs)["requests"]
        ),
        row("numbers traced", [run["numbers traced"] for run in runs.values()]),
    ]
    for name, run in runs.items():
        lines += ["", f"The first page, with {name}: {run['authorship']}"]
    return "\n".join(lines) + "\n"


def first(runs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Any of them: all have the same entries."""
    found: Mapping[str, Any] = next(iter(runs.values()))
    return found


def row(name: str, cells: Sequence[object]) -> str:
    """A row of a table: yes and no for what holds, counts as words."""
    return f"| {name} | {' | '.join(map(said, cells))} |"


def said(cell: object) -> str:
    """A cell in words."""
    if isinstance(cell, bool):
        return "yes" if cell else "NO"
    if isinstance(cell, dict):
        return ", ".join(f"{count} {name}" for name, count in cell.items()) or "none"
    return str(cell)


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--litellm", default="")
    parser.add_argument("--runs", default="", help="keep the runs in this folder")
    given = parser.parse_args()
    kept = ("--runs", given.runs) if given.runs else ()
    report = measured(given.python, given.litellm, kept)
    (RESULTS / "minds.json").write_text(json.dumps(report, indent=1) + "\n")
    (RESULTS / "minds.md").write_text(page(report))


if __name__ == "__main__":
    main()
