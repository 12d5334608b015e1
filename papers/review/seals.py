"""Every digest that a ledger holds, compared with what lies on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from sandbox.ledger import Ledger
from sandbox.records import (
    CODE_FOLDERS,
    CodeLine,
    EvidenceLine,
    PaperLine,
    PlanLine,
    ReviewLine,
    RunLine,
    TrialLine,
    digest_of,
)


def broken_seals(folder: Path, ledger: Ledger) -> Iterator[str]:
    """One sentence for every file but the paper's that is not what the ledger sealed."""
    if not ledger.lines(RunLine):
        yield "ledger.jsonl: it records no beginning of the run, so nothing seals run.json"
    for run in ledger.lines(RunLine):
        yield from _value(folder / "run.json", run.settings_digest, folder)
        yield from _value(folder / "topic.yaml", run.topic_digest, folder)
    yield from _brought(folder)
    for code in ledger.lines(CodeLine):
        yield from _file(folder / code.file, code.file_digest, folder)
    for plan in ledger.lines(PlanLine):
        yield from _plan(folder, plan)
    for trial in ledger.lines(TrialLine):
        if trial.result_digest:
            yield from _file(
                folder / "trials" / trial.id / "result.json", trial.result_digest, folder
            )
        elif trial.status == "ok":
            yield f"ledger.jsonl: trial {trial.id} ended ok and sealed no result"
        for number, digest in enumerate(trial.answer_digests, 1):
            answers = folder / "trials" / trial.id / f"answers-{number}" / "result.json"
            yield from _file(answers, digest, folder) if digest else ()
    for review in ledger.lines(ReviewLine):
        yield from _value(folder / review.file, review.file_digest, folder)
    yield from _origins(ledger)
    yield from _unlike(ledger)


def broken_paper(folder: Path, paper: PaperLine) -> Iterator[str]:
    """One sentence for every file of the paper that is not what was published."""
    for name, digest in sorted(paper.files.items()):
        inside = name if name.startswith("paper/") else f"paper/{name}"
        yield from _file(folder / inside, digest, folder)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file(path: Path, digest: str, folder: Path) -> Iterator[str]:
    name = path.relative_to(folder)
    if not path.is_file():
        yield f"{name} is missing"
    elif sha256(path) != digest:
        yield f"{name} is not the file that the ledger sealed"


def _value(path: Path, digest: str, folder: Path) -> Iterator[str]:
    """Sealed as the file or as the value in it, so that formatting does not matter."""
    name = path.relative_to(folder)
    if not path.is_file():
        yield f"{name} is missing"
    elif digest not in (sha256(path), _value_digest(path)):
        yield f"{name} is not what the ledger sealed"


def _value_digest(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        return digest_of(json.loads(text) if path.suffix == ".json" else yaml.safe_load(text))
    except (ValueError, TypeError, yaml.YAMLError):
        return ""


def _brought(folder: Path) -> Iterator[str]:
    """The code and the works that the run was brought, by run.json, which the ledger seals."""
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        files = [own for kind in CODE_FOLDERS.values() for own in facts.get(kind, [])]
        literature = facts.get("literature", {})
        files += [literature] if "file" in literature else []
        digests = {str(own["file"]): str(own["digest"]) for own in files}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return  # what is wrong with run.json was said already
    for name, digest in sorted(digests.items()):
        yield from _file(folder / name, digest, folder)


def _plan(folder: Path, line: PlanLine) -> Iterator[str]:
    path = folder / line.file
    if not path.is_file():
        yield f"{line.file} is missing"
        return
    if _value_digest(path) != line.plan_digest:
        yield f"{line.file} is not the plan that was frozen"


def _origins(ledger: Ledger) -> Iterator[str]:
    """Evidence must come from a finished trial of its own arm, seed, code and data."""
    for line in ledger.lines(EvidenceLine):
        trial = ledger.find(TrialLine, line.trial)
        if trial is None or trial.status != "ok":
            yield f"ledger.jsonl: evidence {line.id} comes from no finished trial"
            continue
        made = (trial.arm, trial.seed, trial.code_digest, trial.data_digest)
        if made != (line.arm, line.seed, line.code_digest, line.data_digest):
            yield f"ledger.jsonl: evidence {line.id} does not fit its trial {trial.id}"


def _unlike(ledger: Ledger) -> Iterator[str]:
    """Scores of one seed, task and split are by one scorer, against the same items."""
    first: dict[tuple[int, str, str, str], EvidenceLine] = {}
    for line in ledger.lines(EvidenceLine):
        if not line.scorer_digest:
            continue  # counted, not scored; or of an earlier version, which did not say
        one = first.setdefault((line.seed, line.task, line.split, line.metric), line)
        if line.labels_digest != one.labels_digest:
            yield f"ledger.jsonl: evidence {line.id} and {one.id} were scored against other items"
        elif line.scorer_digest != one.scorer_digest:
            yield f"ledger.jsonl: evidence {line.id} and {one.id} were scored by other code"
