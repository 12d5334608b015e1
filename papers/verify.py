"""Check a run against itself: its ledger's chain, every digest, every number of its paper.

What was checked is said, what could not be is named: a run without a PDF is verified on its source
and its page, with `pdf` absent, and that alone does not fail it, unless a PDF was published.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from papers.review.check import find_check
from papers.review.finding import Case, Unchecked
from papers.review.memory import check_memory
from papers.review.panel import consult
from papers.review.passage import passages, quoted
from papers.review.printed import Reckoning, tokens
from papers.review.rendering import at_build, page_reckoning, pdf_reckoning, tex_differences
from papers.review.retest import misruled, retest
from papers.review.seals import broken_paper, broken_seals, sha256
from papers.review.shelf import case_of, plans_of
from sandbox.errors import HanjiError, LedgerBroken
from sandbox.ledger import Ledger, read
from sandbox.records import PaperLine
from sandbox.scratch import scratch

PdfState = Literal["checked", "absent", "unreadable", "not reached"]
RECHECKED = ("effect_inconsistent", "plan_missing", "figure_against_data")


@dataclass(frozen=True)
class Verification:
    """ok: nothing below is wrong. places: one sentence for each thing that is.

    chain: every line of the ledger follows from the one before. evidence: every sealed file is as
    it was, and every test follows from its values. numbers: how many printed values were traced to
    evidence. untraced: printed and not accounted for. altered: printed otherwise than evidence
    says. pdf: whether the numbers of the PDF itself were read. unchecked: what is cited of other
    runs that are not at hand.
    """

    ok: bool
    chain: bool
    evidence: bool
    numbers: int
    untraced: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    pdf: PdfState = "not reached"
    unchecked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Paper:
    """What came of reading the paper."""

    numbers: int
    untraced: list[str]
    altered: list[str]
    places: list[str]
    pdf: PdfState


def verify(folder: Path) -> Verification:
    """Check everything that the run's folder lets one check. Changes nothing in it."""
    file = folder / "ledger.jsonl"
    broken = _broken_chain(file)
    if broken:
        return Verification(ok=False, chain=False, evidence=False, numbers=0, places=[broken])
    with scratch("verify") as place:
        shutil.copy(file, place)
        ledger = Ledger(place / file.name)
        cited = check_memory(folder, ledger)
        records = [*_records(folder, ledger), *cited.wrong]
        paper = _paper(folder, ledger)
    places = list(dict.fromkeys((*records, *paper.places)))
    return Verification(
        ok=not places,
        chain=True,
        evidence=not records,
        numbers=paper.numbers,
        untraced=paper.untraced,
        altered=paper.altered,
        places=places,
        pdf=paper.pdf,
        unchecked=cited.unchecked,
    )


def _broken_chain(file: Path) -> str:
    """The line at which the chain breaks, with what it records; "" when it holds."""
    if not file.is_file():
        return "ledger.jsonl is missing"
    last = 0
    try:
        for sealed in read(file):
            last = sealed.number
    except (LedgerBroken, UnicodeDecodeError) as error:
        return f"{error.what if isinstance(error, LedgerBroken) else error}{_about(file, last + 1)}"
    return "" if last else "ledger.jsonl is empty"


def _about(file: Path, number: int) -> str:
    lines = file.read_bytes().splitlines()
    try:
        body = json.loads(lines[number - 1])
        return f" (it records {body['kind']} {body['id']})"
    except (ValueError, LookupError, TypeError):
        return ""


def _records(folder: Path, ledger: Ledger) -> Iterator[str]:
    """What is wrong with the run, its paper aside."""
    yield from broken_seals(folder, ledger)
    for flaw in retest(ledger, plans_of(folder, ledger)):
        yield f"ledger.jsonl: {flaw.sentence}"
    for verdict in misruled(ledger, plans_of(folder, ledger)):
        yield f"ledger.jsonl: verdict {verdict.id} rules otherwise than its frozen rule"


def _paper(folder: Path, ledger: Ledger) -> _Paper:
    """What is wrong with the paper."""
    sealed = ledger.lines(PaperLine)
    if not sealed:
        return _Paper(0, [], [], ["ledger.jsonl records no published paper"], "not reached")
    places = [*broken_paper(folder, sealed[-1]), *_manifest(folder)]
    try:
        case = at_build(case_of(folder, ledger), folder / "paper")
        read = _numbers(case, folder / "paper", "paper/paper.pdf" in sealed[-1].files)
    except (HanjiError, OSError, LookupError, ValueError) as error:
        what = error.what if isinstance(error, HanjiError) else f"{type(error).__name__}: {error}"
        lost = f"the paper cannot be rendered again: {what}"
        return _Paper(0, [], [], [*places, lost], "not reached")
    return replace(read, places=[*places, *read.places])


def _manifest(folder: Path) -> Iterator[str]:
    """Files that the manifest seals: it is itself sealed by the ledger."""
    path = folder / "paper" / "manifest.json"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        files = {str(name): str(digest) for name, digest in body["files"].items()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        yield "paper/manifest.json cannot be read"
        return
    for name, digest in sorted(files.items()):
        inside = folder / "paper" / name
        if not inside.is_file():
            yield f"paper/{name} is missing"
        elif sha256(inside) != digest:
            yield f"paper/{name} is not the file of the manifest"


def _numbers(case: Case, paper: Path, published_pdf: bool) -> _Paper:
    """Render again, compare the source, account for every number of the page and of the PDF."""
    altered = tex_differences(case, paper)
    untraced: list[str] = []
    for name, reckoning in _reckonings(case, paper):
        untraced += [f"{name}: {token}" for token in (*reckoning.typed, *reckoning.untraced)]
        altered += [
            f"{name}: {item.token} is not where {item.place} has it" for item in reckoning.altered
        ]
    pdf: PdfState = "checked" if (paper / "paper.pdf").is_file() else "absent"
    places = [*altered, *untraced, *_again(case)]
    if pdf == "absent" and published_pdf:
        places.append("paper/paper.pdf was published and is missing")
    return _Paper(_traced(case), untraced, altered, places, pdf)


def _reckonings(case: Case, paper: Path) -> Iterator[tuple[str, Reckoning]]:
    yield "paper.html", page_reckoning(case, paper)
    if (paper / "paper.pdf").is_file():
        yield "paper.pdf", pdf_reckoning(case, paper)


def _traced(case: Case) -> int:
    """How many printed values were filled in from evidence; each resolved, or this raises."""
    references = [q for p in passages(case.manuscript) for q in quoted(p) if q.is_value]
    return sum(bool(tokens(case.numbers.render(reference.body).text)) for reference in references)


def _again(case: Case) -> Iterator[str]:
    """The checks of review that look at records and figures alone."""
    for name in RECHECKED:
        result = consult(find_check(name), case)
        if isinstance(result, Unchecked):
            yield f"{name} could not be checked: {result.reason}"
            continue
        for finding in result:
            yield f"{finding.where}: {finding.what}"
