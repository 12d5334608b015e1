"""Files that a mind wrote in a run: untrusted code, kept with a line of the ledger for each.

Every attempt is a file below the `drafts/` of its kind's folder, such as `blocks/drafts/`; one that
obeys its laws becomes `blocks/NAME.py`, stays as it is, and belongs to the subject from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from agent.budget import Spend
from agent.facts import task_facts
from agent.lab import Lab
from agent.lawful import try_laws
from agent.own_code import MOST, read_own_code
from papers.code_facts import with_written
from sandbox.errors import BadInput, CannotResume, HanjiError
from sandbox.ledger import Ledger
from sandbox.records import CallLine, CodeLine, Seam, short_id
from tools.architectures.subject import ArchitectureSuite, own_card
from tools.atomic import write_atomically
from tools.folder_digest import file_digest
from tools.kind import KINDS
from tools.law_check import LawCheck
from tools.laws import COST_S
from tools.own_code import (
    LARGEST_BYTES,
    LONGEST_NAME,
    NAME,
    OwnCode,
    brought_code,
    seams_of,
    with_code,
)
from tools.subject import Subject
from tools.tasks.own_task import OwnTask
from tools.tool import find_tool

MOST_ATTEMPTS = 4
"""To write one file: the first and its repairs."""
DRAFTS = "drafts"


@dataclass(frozen=True)
class Written:
    """What came of an attempt. said: the last lines that the code left on its standard error."""

    line: CodeLine
    left: int
    said: str = ""


def write_code(lab: Lab, seam: Seam, name: str, source: str) -> Written:
    """Keep what the mind wrote, try its laws in a sandbox, and let the run have it if they hold.

    The same source again answers what it answered before. Raises BadInput when nothing more may be
    written or the name or the file is wrong, BudgetSpent and Stopped.
    """
    _check_asked(lab, seam, name, source)
    draft = _draft(lab, seam, name, source)
    known = lab.ledger.find(CodeLine, _id(seam, name, file_digest(draft)))
    if known is not None:
        return Written(known, _left(lab, seam, name))
    try:
        own = _read(seam, draft, name)
    except BadInput as error:
        line = _record(lab, seam, name, draft, None, str(error))
        return Written(line, _left(lab, seam, name))
    found = _tried(lab, own)
    final = _kept(lab, own) if found.lawful else draft
    line = _record(lab, seam, name, final, found, found.sentence)
    if line.lawful:
        admit(lab, read_own_code(seam, final))
    return Written(line, _left(lab, seam, name), found.said)


def admit(lab: Lab, own: OwnCode) -> None:
    """Let the run have it from here on: plans may name it, and its facts are told."""
    if own.name not in brought_code(lab.subject):
        lab.subject = with_code(lab.subject, [own])
    lab.facts = with_written(lab.facts, lab.ledger)


def with_earlier(lab: Lab) -> Lab:
    """The lab with what the mind wrote before the run was interrupted.

    Raises CannotResume when a file is not the one that the ledger sealed.
    """
    for line in lab.ledger.lines(CodeLine):
        path = lab.folder / line.file
        if not path.is_file() or file_digest(path) != line.file_digest:
            raise CannotResume(
                f"{line.file} is not the file that the mind wrote",
                "restore it from a copy, or start a new run",
            )
        if line.lawful:
            admit(lab, read_own_code(line.seam, path))
    return lab


def attempts(ledger: Ledger, seam: Seam, name: str) -> list[CodeLine]:
    """Every attempt to write this, oldest first."""
    return [line for line in ledger.lines(CodeLine) if (line.seam, line.name) == (seam, name)]


def told(ledger: Ledger) -> list[str]:
    """For SUMMARY.md: what the mind wrote, and what it tried out of any plan."""
    lines = ledger.lines(CodeLine)
    tried = [line for line in ledger.lines(CallLine) if line.tool == "pilot"]
    pilots = sum(line.status != "refused" for line in tried)
    if not lines and not tried:
        return []
    found = ["## What the mind wrote and tried"]
    for line in {(line.seam, line.name): line for line in lines}.values():
        attempt = len(attempts(ledger, line.seam, line.name))
        state = f"kept as {line.file}" if line.lawful else f"refused: {line.summary}"
        found.append(f"- {line.name}, by {line.author}, attempt {attempt}, {state}")
    trials = "pilot" if pilots == 1 else "pilots"
    found.append(f"- {pilots} {trials} on development items, which are no evidence")
    return found


def source_of(lab: Lab, name: str) -> tuple[CodeLine, str]:
    """The last attempt under this name, and its text. Raises BadInput when there is none."""
    found = [line for line in lab.ledger.lines(CodeLine) if line.name == name]
    if not found:
        names = sorted({line.name for line in lab.ledger.lines(CodeLine)})
        raise BadInput(f"nothing was written as {name!r}", f"written: {', '.join(names) or 'none'}")
    return found[-1], (lab.folder / found[-1].file).read_text(encoding="utf-8", errors="replace")


def name_code(subject: Subject, tool: str, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The arguments, with the digest of every file of the run that they name; a mind need not."""
    known, fields = brought_code(subject), find_tool(tool).arguments.model_fields
    named = [known[word] for word in dict.fromkeys(_words(arguments)) if word in known]
    made = dict(arguments)
    for seam in dict.fromkeys(own.seam for own in named):
        field = KINDS[seam].argument
        if field in fields:
            made[field] = {own.name: own.digest for own in named if own.seam == seam}
    return made


def _words(value: JsonValue) -> Iterator[str]:
    """Every text among the values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _words(inner)


def _check_asked(lab: Lab, seam: Seam, name: str, source: str) -> None:
    """Whether this may be tried at all. Raises BadInput."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise BadInput(
            f"{name[:LONGEST_NAME]!r} cannot be a name",
            f"use a-z and single _, no digits, at most {LONGEST_NAME} characters",
        )
    if seam not in seams_of(lab.subject):
        raise BadInput(
            f"a run about {lab.subject.domain} has no use for {KINDS[seam].one}",
            "write what its domain can test",
        )
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        raise BadInput(f"the source of {name} is no text", "send whole characters") from error
    if size > LARGEST_BYTES:
        raise BadInput(f"the source of {name} is too long", f"at most {LARGEST_BYTES} bytes")
    earlier = attempts(lab.ledger, seam, name)
    digests = {line.file_digest for line in earlier}
    if _digest(source) in digests:
        return
    if name in brought_code(lab.subject):
        raise BadInput(f"{name!r} is there and stays as it is", "give a new version a new name")
    if not earlier and _files(lab, seam) >= MOST:
        raise BadInput(
            f"{MOST} files are there already of that kind",
            "use those, or improve one under its name",
        )
    if len(earlier) >= MOST_ATTEMPTS:
        raise BadInput(
            f"{name} was tried {len(earlier)} times, which is the limit", "go on without it"
        )


def _files(lab: Lab, seam: Seam) -> int:
    """Names in use of that kind: those of the topic, and all that the mind began to write."""
    written = {line.name for line in lab.ledger.lines(CodeLine) if line.seam == seam}
    brought = {own.name for own in brought_code(lab.subject).values() if own.seam == seam}
    return len(written | brought)


def _left(lab: Lab, seam: Seam, name: str) -> int:
    return max(0, MOST_ATTEMPTS - len(attempts(lab.ledger, seam, name)))


def _draft(lab: Lab, seam: Seam, name: str, source: str) -> Path:
    """The attempt as a file, in a folder named after its text."""
    path = lab.folder / KINDS[seam].setting / DRAFTS / _digest(source)[:12] / f"{name}.py"
    write_atomically(path, source)
    return path


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _read(seam: Seam, path: Path, name: str) -> OwnCode:
    own = read_own_code(seam, path)
    if own.name != name:
        raise BadInput(f"the file declares {own.name!r}, not {name!r}", "use one name for both")
    return own


def _tried(lab: Lab, own: OwnCode) -> LawCheck:
    """The laws, within the budget."""
    held = lab.budget.reserve(Spend(wall_s=COST_S, cpu_s=COST_S), f"laws of {own.name}")
    try:
        return try_laws(lab, own)
    finally:
        lab.budget.settle(held, Spend())


def _kept(lab: Lab, own: OwnCode) -> Path:
    path = lab.folder / own.input
    path.write_bytes(own.file.read_bytes())
    if file_digest(path) != own.digest:
        raise HanjiError(f"{own.input} is not what was checked", "see what else writes to the run")
    return path


def _id(seam: Seam, name: str, digest: str) -> str:
    return short_id(["code", seam, name, digest])


def _record(
    lab: Lab, seam: Seam, name: str, file: Path, found: LawCheck | None, why: str
) -> CodeLine:
    digest = file_digest(file)
    line = CodeLine(
        id=_id(seam, name, digest),
        seam=seam,
        name=name,
        file_digest=digest,
        file=file.relative_to(lab.folder).as_posix(),
        author=lab.mind.name,
        lawful=found is not None and found.lawful,
        summary=why or "all laws hold",
        card=_card(lab, found.code) if found is not None and found.lawful else {},
    )
    lab.ledger.append(line)
    return line


def _card(lab: Lab, own: OwnCode) -> dict[str, JsonValue]:
    """What run.json would say of a task; nothing of other files."""
    if not isinstance(own, OwnTask) or not isinstance(lab.subject, ArchitectureSuite):
        return {}
    return task_facts(own_card(own, lab.subject.size), {})
