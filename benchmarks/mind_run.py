"""A whole run on a small merging topic with a language model, and what came of it.

    python -P benchmarks/mind_run.py --base-url URL --model NAME

The key is in OPENAI_API_KEY. --report FILE keeps the figures as JSON; --runs DIR keeps the run. The
exit code is 0 when everything under `held` is true, however good or bad the model was.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from agent.ending import Ending
from agent.endpoint.exchange import Exchange
from agent.endpoint.transcript import read_exchanges
from agent.minds.language_model.standby import by_reason, failures
from agent.run import begin
from agent.settings import read_settings
from agent.terminal import watching
from agent.topic import Topic, topic_from
from papers.manuscript import Manuscript
from papers.verify import verify
from sandbox.ledger import Ledger

QUESTION = "Does merging compose skills?"
WALL, WALL_S = "30m", 1800.0
TOKENS = 400_000
PAGES = ("SUMMARY.md", "paper/paper.html")


def topic(tokens: int) -> Topic:
    """One hypothesis on two seeds: enough for every kind of request, and no more."""
    body = {
        "question": QUESTION,
        "profile": "quick",
        "hypotheses": 1,
        "alpha": 0.45,
        "first": [],
        "seeds": 2,
        "evaluations": 20,
        "mind": "language-model",
        "budget": {"wall": WALL, "tokens": tokens},
    }
    return topic_from(body, Path.cwd(), "the topic")


def research(base_url: str, model: str, tokens: int, home: Path) -> Ending:
    """The run, with every setting but the server left as it is for anyone."""
    endpoint = {"base_url": base_url, "model": model}
    asked = topic(tokens)
    settings = read_settings(asked, {"runs": home, "endpoint": endpoint}, {}, home / "none")
    with watching() as watch:
        return begin(asked, settings, watch)


def figures(ended: Ending, tokens: int) -> dict[str, object]:
    """What came of it: what has to hold for any model, and how this one did."""
    ledger = Ledger(ended.run / "ledger.jsonl")
    exchanges = read_exchanges(ended.run)
    found, authorship = verify(ended.run), ""
    if (paper := ended.run / "paper" / "manuscript.json").is_file():
        authorship = Manuscript.model_validate_json(paper.read_bytes()).authorship
    return {
        "held": {
            "published": ended.status == "published",
            "verified": found.ok,
            "within the wall time": ended.wall_s <= WALL_S,
            "within the tokens": ended.spend.tokens <= tokens,
            "every request is accounted for": accounted(ended, exchanges),
            "both first pages say who wrote what": bool(authorship) and is_said(ended, authorship),
        },
        "wall_s": round(ended.wall_s, 1),
        "wall_cap_s": WALL_S,
        "tokens": ended.spend.tokens,
        "tokens_cap": tokens,
        "verdicts": dict(ended.verdicts),
        "numbers traced": found.numbers,
        "requests": of_requests(exchanges),
        "done by the built-in mind": by_reason(failures(ledger)),
        "authorship": authorship,
    }


def accounted(ended: Ending, exchanges: list[Exchange]) -> bool:
    """Whether the tokens that were charged are at least those of the replies that are kept."""
    replies = [e.reply for e in exchanges if e.reply is not None]
    return 0 < sum(r.prompt_tokens + r.completion_tokens for r in replies) <= ended.spend.tokens


def is_said(ended: Ending, authorship: str) -> bool:
    """Whether the summary and the page of the paper tell it, however they set its quotes."""
    files = [ended.run / page for page in PAGES]
    pages = [letters(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
    return len(pages) == len(PAGES) and all(letters(authorship) in page for page in pages)


def letters(text: str) -> str:
    """The text without spaces and marks."""
    return re.sub(r"\W+", "", html.unescape(text))


def of_requests(exchanges: list[Exchange]) -> dict[str, object]:
    """How often the server was asked, how it ended, and what that took."""
    replies = [e.reply for e in exchanges if e.reply is not None]
    written = sum(reply.completion_tokens for reply in replies)
    waited_s = sum(exchange.wall_s for exchange in exchanges)
    return {
        "sent": len(exchanges),
        "ended": dict(Counter(e.failure.kind if e.failure else "reply" for e in exchanges)),
        "finish": dict(Counter(reply.finish for reply in replies)),
        "counted by the server": sum(reply.measured for reply in replies),
        "longest prompt": max((reply.prompt_tokens for reply in replies), default=0),
        "written": written,
        "waited_s": round(waited_s, 1),
    }


def main() -> None:
    """Run, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        home = given.runs or Path(passing)
        ended = research(given.base_url, given.model, given.tokens, home)
        report = figures(ended, given.tokens)
    print(json.dumps(report, indent=1))
    if given.report:
        given.report.write_text(json.dumps(report, indent=1) + "\n")
    held = report["held"]
    sys.exit(0 if isinstance(held, dict) and all(held.values()) else 1)


if __name__ == "__main__":
    main()
