"""How a run ended, as its ledger tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.budget import NOT_AFFORDED, OUT_OF_TIME, Spend, spent_before
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    CostLine,
    DecisionLine,
    DeviationLine,
    FailureLine,
    HypothesisLine,
    PaperLine,
    VerdictLine,
)
from tools.conduct import SPENT

RUN = "run"
"""The stage of failures that end a run."""


@dataclass(frozen=True)
class Ending:
    """How a run ended. verdicts: hypothesis title -> ruling. wall_s and spend: over all sessions.

    out_of_budget: it ended without a result because the budget was spent. unpriced_tokens: what
    they cost is unknown and no part of the spend's dollars.
    """

    run: Path
    status: str
    paper: Path | None
    verdicts: Mapping[str, str]
    wall_s: float
    spend: Spend
    out_of_budget: bool = False
    unpriced_tokens: int = 0

    @property
    def exit_code(self) -> int:
        """0 done, 1 the work failed, 3 the budget ran out before a result, 130 interrupted."""
        if self.out_of_budget:
            return 3
        return {"published": 0, "stopped": 130}.get(self.status, 1)


def ending(folder: Path, ledger: Ledger) -> Ending:
    """How the run stands, read from its ledger."""
    papers = ledger.lines(PaperLine)
    measured = bool(ledger.lines(ComparisonLine))
    broken = any(line.stage == RUN for line in ledger.lines(FailureLine))
    status = papers[-1].status if papers else "failed" if broken else "stopped"
    made = [p for n in ("paper.pdf", "paper.html") if (p := folder / "paper" / n).is_file()]
    titles = {line.id: line.title for line in ledger.lines(HypothesisLine)}
    spend = spent_before(ledger)
    return Ending(
        run=folder,
        status=status if measured or not papers else "failed",
        paper=made[0] if papers and made else None,
        verdicts={titles[v.hypothesis]: v.ruling for v in ledger.lines(VerdictLine)},
        wall_s=spend.wall_s,
        spend=spend,
        out_of_budget=bool(papers) and not measured and _budget_ran_out(ledger),
        unpriced_tokens=sum(line.unpriced_tokens for line in ledger.lines(CostLine)),
    )


def _budget_ran_out(ledger: Ledger) -> bool:
    """Whether the run says so itself: a trial's own limit and a model's words are no reason."""
    return (
        any(line.what.startswith(SPENT) for line in ledger.lines(DeviationLine))
        or any(line.what == OUT_OF_TIME for line in ledger.lines(FailureLine))
        or any(line.why in NOT_AFFORDED for line in ledger.lines(DecisionLine) if not line.chosen)
    )
