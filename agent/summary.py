"""The morning page: what was found, what failed, what it cost, what to distrust.

Values come from the ledger.
"""

from __future__ import annotations

import shlex
from collections import Counter

from agent import gate
from agent.advice import told_advice
from agent.ceiling import at_ceiling
from agent.findings import plan_bodies
from agent.lab import Lab
from agent.lawful import why_not
from agent.minds.language_model.standby import STAGE
from agent.model_share import told_costs, told_stand_ins
from agent.press import Press
from agent.terminal import clock
from agent.written_code import told
from papers.effect import form_of, mean_form_of, unit_after, units_of
from papers.numbers import Numbers
from papers.review.finding import Round
from papers.value import FIXED_SPACE
from papers.verify import Verification
from sandbox.records import (
    ComparisonLine,
    DecisionLine,
    DeviationLine,
    EvidenceLine,
    FailureLine,
    HypothesisLine,
    MemoryLine,
    ReviewLine,
    TrialLine,
    VerdictLine,
)
from tools.freeze import frozen_plans

LISTED = 12


def summary(lab: Lab, stopped: str, banner: str, verified: Verification | None) -> str:
    """SUMMARY.md. verified: None when there is no paper."""
    numbers = Numbers(lab.ledger, lab.facts, plan_bodies(lab))
    sections = [
        f"# {lab.topic.title or lab.topic.question}",
        *([f"The question: {lab.topic.question}"] if lab.topic.title else []),
        *_lead(lab, banner, verified),
        "## Verdicts",
        *_verdicts(lab, numbers),
        *_answered(lab),
        *told(lab.ledger),
        "## What failed",
        *_failures(lab, banner),
        "## What it cost",
        *_costs(lab, numbers),
        "## Why it stopped",
        f"- {stopped or 'all that was planned is done'}",
        "## What to distrust",
        *_doubts(lab, verified),
        *told_advice(lab, _rounds(lab)),
        "## Run it again",
        f"    {_again(lab)}",
        _check_it(lab, verified),
    ]
    return "\n\n".join(_grouped(sections)) + "\n"


def _lead(lab: Lab, banner: str, verified: Verification | None) -> list[str]:
    if verified is None:
        return ["THE RUN FAILED before its paper was written."]
    lead = " ".join((gate.banner(lab), banner or "The paper passed its review.")).strip()
    if not lab.ledger.lines(ComparisonLine):
        what = "NOTHING WAS MEASURED that could test a hypothesis; the paper says what failed."
        return [lead, what, *_authorship(lab)]
    return [f"{lead} {_tally(lab)}", *_authorship(lab)]


def _authorship(lab: Lab) -> list[str]:
    """Who wrote which part, where the first page says it."""
    press = Press(lab)
    made = (press.folder / "manuscript.json").is_file()
    said = press.manuscript().authorship if made else ""
    return [said] if said else []


def _tally(lab: Lab) -> str:
    """How many hypotheses fared how."""
    stated = lab.ledger.lines(HypothesisLine)
    counts = Counter(line.ruling for line in lab.ledger.lines(VerdictLine))
    untested = len(stated) - counts.total()
    rulings = [f"{counts[r]} {r}" for r in ("supported", "refuted", "inconclusive")]
    rulings += [f"{untested} untested"] if untested else []
    return f"Hypotheses: {', '.join(rulings)}."


def _again(lab: Lab) -> str:
    """The command that runs the same again, wherever it is called."""
    there = f"{lab.facts['id']}/topic.yaml"
    words = shlex.split(str(lab.facts["command"]))
    topic = str(lab.folder.resolve() / "topic.yaml")
    return shlex.join(topic if word == there else word for word in words)


def _place(lab: Lab) -> str:
    """The run's folder, as a shell takes it."""
    return shlex.quote(str(lab.folder.resolve()))


def _check_it(lab: Lab, verified: Verification | None) -> str:
    if verified is None:
        return f"Go on: `hanji resume {_place(lab)}`. There is no paper yet."
    made = [name for name in ("paper.pdf", "paper.html") if (lab.folder / "paper" / name).is_file()]
    traced = f"{verified.numbers} printed values were traced to evidence when it was published"
    return (
        f"Read it: {' or '.join(f'`paper/{name}`' for name in made)}. "
        f"Check it: `hanji verify {_place(lab)}` ({traced})."
    )


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
    """What was ruled, what it rests on, and what scored best."""
    titles = {line.id: line.title for line in lab.ledger.lines(HypothesisLine)}
    ruled = lab.ledger.lines(VerdictLine)
    lines = [_verdict(lab, titles[verdict.hypothesis], verdict, numbers) for verdict in ruled]
    untested = titles.keys() - {verdict.hypothesis for verdict in ruled}
    lines += [f"- **untested**: {titles[id]}" for id in titles if id in untested]
    if not any(verdict.comparison for verdict in ruled):
        return lines or ["- no hypothesis was stated"]
    units = units_of(line.metric for line in lab.ledger.lines(ComparisonLine))
    gated = any(plan.test.gate for plan in frozen_plans(lab.ledger, lab.folder))
    how = (
        f"An effect is the first side's value less the second's, {units}, with its 95% interval. "
        "Supported and refuted hold after a correction over all hypotheses"
        f"{' but those of the gate' * gated}; refuted means that the data exclude the predicted "
        "effect, which may still be above zero."
    )
    return [how, *lines, *_best(lab, numbers)]


def _answered(lab: Lab) -> list[str]:
    """What was not asked because an earlier run answered it, or was asked again."""
    lines = lab.ledger.lines(MemoryLine)
    if not lines:
        return []
    again = "and asked again" if lab.topic.repeat else "and not asked again (repeat: true asks)"
    return [
        "## Answered before",
        f"Cited from earlier runs beside this one, {again}:",
        *(f"- **{line.ruling}** in {line.run}: {line.title}" for line in lines),
    ]


def _verdict(lab: Lab, title: str, verdict: VerdictLine, numbers: Numbers) -> str:
    found = lab.ledger.find(ComparisonLine, verdict.comparison) if verdict.comparison else None
    if found is None:
        why = why_not(lab, verdict.hypothesis)
        because = f"not trained, for {why}" if why else "nothing was measured"
        return f"- **{verdict.ruling}**: {title} ({because})"
    at, sides = f"cmp:{found.id}", f"plan:{found.experiment}.test"
    form, mean = form_of(found.metric), mean_form_of(found.metric)
    body = (
        f"{{{{{sides}.treatment.label|text}}}} {{{{{at}.treatment_mean|{mean}}}}} against "
        f"{{{{{sides}.control.label|inline}}}} {{{{{at}.control_mean|{mean}}}}}: "
        f"{{{{{at}.effect|{form}}}}} ({{{{{at}.low|{form}}}}} to "
        f"{{{{{at}.high|{form}}}}}), {{{{{at}.pairs|d}}}} pairs; "
        f"predicted {{{{{at}.predicted_effect|{form}}}}} or more{unit_after(found.metric)}"
    )
    return f"- **{verdict.ruling}**: {title}.\n  {_filled(body, numbers)}"


def _best(lab: Lab, numbers: Numbers) -> list[str]:
    """The arm of the highest mean on the primary task, whatever the hypotheses asked."""
    primary, split = lab.subject.primary, "test"
    measured = {
        line.arm: numbers.resolve(f"mean:{line.arm}/{primary}/{split}").number
        for line in lab.ledger.lines(EvidenceLine)
        if (line.metric, line.task, line.split) == ("accuracy", primary, split)
    }
    labels = {
        arm.name: arm.label for plan in frozen_plans(lab.ledger, lab.folder) for arm in plan.arms
    }
    if not measured:
        return []
    arm = max(measured, key=measured.__getitem__)
    mean = _filled(f"{{{{mean:{arm}/{primary}/{split}|.3f}}}}", numbers)
    return [
        f"Highest mean on the primary task, which states no test: {labels.get(arm, arm)}, {mean}."
    ]


def _failures(lab: Lab, banner: str) -> list[str]:
    trials = [line for line in lab.ledger.lines(TrialLine) if line.status != "ok"]
    lines = [f"- trial {t.id} ({t.arm}, seed {t.seed}): {t.reason or t.limit}" for t in trials]
    lines += [
        f"- {line.stage}: {line.what}"
        for line in lab.ledger.lines(FailureLine)
        if not line.trial and line.stage != STAGE
    ]
    lines += told_stand_ins(lab.ledger)
    lines += [f"- {line.what}: {line.why}" for line in lab.ledger.lines(DeviationLine)]
    lines += [
        f"- {line.what}: {line.why}"
        for line in lab.ledger.lines(DecisionLine)
        if line.what.startswith(("dropped", "not used"))
    ]
    if banner:
        lines.insert(0, "- the paper's review: what it found is under what to distrust")
    lines = list(dict.fromkeys(lines))
    if len(lines) > LISTED:
        lines = [*lines[:LISTED], f"- and {len(lines) - LISTED} more: `hanji show` lists them"]
    return lines or ["- nothing"]


def _costs(lab: Lab, numbers: Numbers) -> list[str]:
    trials = _filled("{{count:trials|d}}", numbers)
    cpu, wall = clock(numbers.resolve("cost:cpu_s").number), clock(lab.budget.spent().wall_s)
    sessions = f" in {lab.session} sessions" if lab.session > 1 else ""
    spent = f"- {trials} trials, {cpu} of CPU time, {wall} of wall time{sessions}"
    return [spent, *told_costs(lab.ledger)]


def _doubts(lab: Lab, verified: Verification | None) -> list[str]:
    doubts = [f"- verification: {p}" for p in (verified.places if verified else ())[:LISTED]]
    doubts += _left_by_review(lab)
    sandbox = lab.facts["sandbox"]
    if isinstance(sandbox, dict) and not sandbox.get("confined"):
        doubts.append("- trials ran unconfined")
    elif isinstance(sandbox, dict) and isinstance(lacks := sandbox.get("lacks"), list) and lacks:
        doubts.append(f"- trials ran in a degraded sandbox, {sandbox['backend']}: ")
        doubts[-1] += "; ".join(map(str, lacks))
    ruled = lab.ledger.lines(VerdictLine)
    if any(line.ruling == "inconclusive" for line in ruled):
        doubts.append("- inconclusive is not evidence of no effect")
    if any(line.missing_seeds for line in lab.ledger.lines(ComparisonLine)):
        doubts.append("- some planned pairs are missing; the paper's appendix names them")
    if any(at_ceiling(found) for found in _beyond_the_gate(lab)):
        doubts.append(
            "- where both sides answer nearly everything, the task cannot say which is the better"
        )
    if lab.subject.name == "miniature":
        doubts.append("- the models are tiny and their tasks synthetic; larger models may differ")
    doubts += [f"- {text}" for text in (lab.subject.pairing, lab.subject.caveat) if text]
    return doubts


def _beyond_the_gate(lab: Lab) -> list[ComparisonLine]:
    gated = {plan.hypothesis for plan in frozen_plans(lab.ledger, lab.folder) if plan.test.gate}
    return [line for line in lab.ledger.lines(ComparisonLine) if line.hypothesis not in gated]


def _left_by_review(lab: Lab) -> list[str]:
    """What the last round of review found and left, and what it could not check."""
    rounds = _rounds(lab)
    if not rounds:
        return []
    last = rounds[-1]
    left = [f"- review, {f.severity}: {f.where}: {f.what}" for f in last.findings]
    return left[:LISTED] + [
        f"- review could not check {u.check}: {u.reason}" for u in last.unchecked
    ]


def _rounds(lab: Lab) -> list[Round]:
    """Every round of review, as it was kept."""
    files = dict.fromkeys(line.file for line in lab.ledger.lines(ReviewLine))
    return [Round.model_validate_json((lab.folder / file).read_bytes()) for file in files]


def _filled(body: str, numbers: Numbers) -> str:
    """Prose with its references filled in."""
    text, rest = "", body
    while "{{" in rest:
        before, _, after = rest.partition("{{")
        inner, _, rest = after.partition("}}")
        text += before + numbers.render(inner).text
    return (text + rest).replace(FIXED_SPACE, " ")
