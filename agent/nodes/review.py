"""Review the paper and the run behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.advice import advised
from agent.lab import Lab
from agent.press import Press
from agent.state import State, Update
from papers.review.finding import Round
from papers.review.panel import review as look
from papers.revise import stop
from sandbox.records import CostLine, ReviewLine, digest_of, short_id
from tools.atomic import write_atomically

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

LEAST_S, BUILDS = 15.0, 2.2
"""A revision needs time for its own build and for the last one, with a margin."""


def review(state: State, runtime: Runtime[Lab]) -> Update:
    """One round: every check looks, a model may advise; the stop rules say whether to revise."""
    lab, number = runtime.context, state["review_round"] + 1
    with lab.stage("review", number):
        case = Press(lab).case()
        found = advised(lab, number, case, look(case))
        _record(lab, number, found)
        rounds = [*earlier_rounds(lab, number), found]
        enough = stop(rounds, lab.budget.seconds_left() > _revision_s(lab))
        blocking = found.count("blocking")
        lab.say("review", f"round {number}: {blocking} blocking, {found.count('major')} major")
    return {"review_round": number, "sound": not found.blocked, "revise": not enough}


def earlier_rounds(lab: Lab, number: int) -> list[Round]:
    """The rounds before this one, as they were kept."""
    files = [lab.folder / _file(n) for n in range(1, number)]
    return [Round.model_validate_json(path.read_bytes()) for path in files]


def _revision_s(lab: Lab) -> float:
    """Wall time that a revision and what follows it will take, by the slowest build so far."""
    builds = [
        line.wall_s
        for line in lab.ledger.lines(CostLine)
        if line.what.startswith(("stage write", "stage revise"))
    ]
    return max(LEAST_S, BUILDS * max(builds, default=0.0))


def _file(number: int) -> str:
    return f"reviews/round-{number}.json"


def _record(lab: Lab, number: int, found: Round) -> None:
    body = found.model_dump(mode="json")
    write_atomically(lab.folder / _file(number), found.model_dump_json(indent=1) + "\n")
    lab.ledger.append(
        ReviewLine(
            id=short_id(["review", number, digest_of(body)]),
            round=number,
            blocking=found.count("blocking"),
            major=found.count("major"),
            minor=found.count("minor"),
            unchecked=len(found.unchecked),
            file=_file(number),
            file_digest=digest_of(body),
        )
    )
