"""The morning page: what was found, what failed, what it cost, what to distrust.

Values come from the ledger.
"""

from __future__ import annotations

from agent.findings import plan_bodies
from agent.lab import Lab
from papers.numbers import Numbers
from papers.verify import Verification
from sandbox.records import (
    ComparisonLine,
    DecisionLine,
    DeviationLine,
    FailureLine,
    HypothesisLine,
    TrialLine,
    VerdictLine,
)

LISTED = 12


def summary(lab: Lab, stopped: str, banner: str, verified: Verification | None) -> str:
    """SUMMARY.md. verified: None when there is no paper."""
    numbers = Numbers(lab.ledger, lab.facts, plan_bodies(lab))
    sections = [
        f"# {lab.topic.title or lab.topic.question}",
        *_lead(lab, banner, verified),
        "## Verdicts",
        *_verdicts(lab, numbers),
        "## What failed",
        *_failures(lab),
        "## What it cost",
        *_costs(lab, numbers),
        "## Why it stopped",
        f"- {stopped or 'all that was planned is done'}",
        "## What to distrust",
        *_doubts(lab, verified),
        "## Run it again",
        f"    {lab.facts['command']}",
        _check_it(lab, verified),
    ]
    return "\n\n".join(_grouped(sections)) + "\n"


def _lead(lab: Lab, banner: str, verified: Verification | None) -> list[str]:
    if verified is None:
        return ["THE RUN FAILED before its paper was written."]
    lead = [banner or "The paper passed its review."]
    if not lab.ledger.lines(ComparisonLine):
        lead.append(
            "NOTHING WAS MEASURED that could test a hypothesis; the paper says what failed."
        )
    return lead


def _check_it(lab: Lab, verified: Verification | None) -> str:
    if verified is None:
        return f"Go on: `hanji resume {lab.folder.name}`. There is no paper yet."
    traced = f"{verified.numbers} printed values were traced to evidence when it was published"
    return f"Check it: `hanji verify {lab.folder.name}` ({traced}). The paper is in `paper/`."


def _grouped(parts: list[str]) -> list[str]:
    """Neighbouring list items become one block."""
    blocks: list[str] = []
    for part in parts:
        if part.startswith("- ") and blocks and blocks[-1].startswith("- "):
            blocks[-1] += f"\n{part}"
        else:
            blocks.append(part)
    return blocks


def _verdicts(lab: Lab, numbers: Numbers) -> list[str]:
    titles = {line.id: line.title for line in lab.ledger.lines(HypothesisLine)}
    ruled = lab.ledger.lines(VerdictLine)
    lines = [_verdict(titles[verdict.hypothesis], verdict, numbers) for verdict in ruled]
    untested = titles.keys() - {verdict.hypothesis for verdict in ruled}
    lines += [f"- **untested**: {titles[id]}" for id in titles if id in untested]
    return lines or ["- no hypothesis was stated"]


def _verdict(title: str, verdict: VerdictLine, numbers: Numbers) -> str:
    if not verdict.comparison:
        return f"- **{verdict.ruling}**: {title} (nothing was measured)"
    at = f"cmp:{verdict.comparison}"
    body = (
        f"{{{{{at}.effect|pp}}}}, interval {{{{{at}.low|pp}}}} to {{{{{at}.high|pp}}}}, "
        f"{{{{{at}.pairs|d}}}} pairs"
    )
    return f"- **{verdict.ruling}**: {title} ({_filled(body, numbers)})"


def _failures(lab: Lab) -> list[str]:
    trials = [line for line in lab.ledger.lines(TrialLine) if line.status != "ok"]
    lines = [f"- trial {t.id} ({t.arm}, seed {t.seed}): {t.reason or t.limit}" for t in trials]
    lines += [
        f"- {line.stage}: {line.what}" for line in lab.ledger.lines(FailureLine) if not line.trial
    ]
    lines += [f"- {line.what}: {line.why}" for line in lab.ledger.lines(DeviationLine)]
    lines += [
        f"- {line.what}: {line.why}"
        for line in lab.ledger.lines(DecisionLine)
        if line.what.startswith("dropped")
    ]
    lines = list(dict.fromkeys(lines))
    if len(lines) > LISTED:
        lines = [*lines[:LISTED], f"- and {len(lines) - LISTED} more: `hanji show` lists them"]
    return lines or ["- nothing"]


def _costs(lab: Lab, numbers: Numbers) -> list[str]:
    spent = lab.budget.spent()
    body = "{{count:trials|d}} trials, {{cost:cpu_s|s}} of CPU time"
    minutes, seconds = divmod(round(spent.wall_s), 60)
    return [f"- {_filled(body, numbers)}, {minutes} min {seconds} s of wall time in all sessions"]


def _doubts(lab: Lab, verified: Verification | None) -> list[str]:
    doubts = [f"- verification: {p}" for p in (verified.places if verified else ())[:LISTED]]
    sandbox = lab.facts["sandbox"]
    if isinstance(sandbox, dict) and not sandbox.get("confined"):
        doubts.append("- trials ran unconfined")
    ruled = lab.ledger.lines(VerdictLine)
    if any(line.ruling == "inconclusive" for line in ruled):
        doubts.append("- inconclusive is not evidence of no effect")
    if any(line.missing_seeds for line in lab.ledger.lines(ComparisonLine)):
        doubts.append("- some planned pairs are missing; the paper's appendix names them")
    if lab.subject.name == "miniature":
        doubts.append("- the models are tiny and their tasks synthetic; larger models may differ")
    return doubts or ["- only the questions that were asked are answered"]


def _filled(body: str, numbers: Numbers) -> str:
    """Prose with its references filled in."""
    text, rest = "", body
    while "{{" in rest:
        before, _, after = rest.partition("{{")
        inner, _, rest = after.partition("}}")
        text += before + numbers.render(inner).text
    return text + rest
