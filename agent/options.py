"""The options that several commands share. Imports typer alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Runs = Annotated[
    Path | None,
    typer.Option("--runs", metavar="DIR", help="Where runs are kept (HANJI_RUNS; ./runs)."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="The same seed gives the same run.")
]
Budget = Annotated[
    str | None, typer.Option("--budget", metavar="TIME", help="Wall time: 90s, 6m, 1h30m.")
]
MindName = Annotated[
    str | None,
    typer.Option(
        "--mind",
        metavar="NAME",
        help="What proposes and writes: playbook, language-model, scripted.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="The language model's server, up to and with /v1 (HANJI_BASE_URL, OPENAI_BASE_URL).",
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="The language model, as its server names it."),
]
Replay = Annotated[
    str | None,
    typer.Option("--replay", metavar="RUN", help="Answer from a run's recording, or a cassette."),
]
Backend = Annotated[
    str | None,
    typer.Option(
        "--sandbox",
        metavar="NAME",
        help="bubblewrap; landlock (degraded) or process (confines nothing), as the paper says.",
    ),
]
Language = Annotated[
    str | None, typer.Option("--language", metavar="en|ko", help="Language of the paper.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Trials at once; one for each core.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines: JSON on stdout, nothing else.")]
RunName = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A folder, an id, a unique part of one, or `last`."),
]
