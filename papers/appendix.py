"""The reproducibility appendix: frozen plans, deviations and failures, and every trial."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from papers.answered import memory_used
from papers.exhibits.exhibit import Exhibits
from papers.manuscript import Block, Column, Items, Paragraph, Section, Table
from papers.nearest import nearest_works
from papers.record_view import RecordView
from sandbox.ledger import Ledger
from sandbox.records import DeviationLine, FailureLine, PlanLine, SandboxLine, TrialLine


def appendix(
    view: RecordView, facts: Mapping[str, JsonValue], shown: Exhibits
) -> tuple[Section, ...]:
    """All sections of the appendix. shown: the exhibits of the run's domain."""
    return (
        Section(
            label="sec:repeat",
            title="Repeating this study",
            blocks=_repeat(facts, view.ledger),
            appendix=True,
        ),
        Section(
            label="sec:plans",
            title="Frozen plans",
            blocks=_plans(view, shown.calls()),
            appendix=True,
        ),
        Section(
            label="sec:deviations",
            title="Deviations and failures",
            blocks=_deviations(view.ledger),
            appendix=True,
        ),
        *nearest_works(view.ledger),
        Section(label="sec:trials", title="All trials", blocks=_trials(view, shown), appendix=True),
    )


def _repeat(facts: Mapping[str, JsonValue], ledger: Ledger) -> tuple[Block, ...]:
    return (
        Paragraph(
            text="The run is {{fact:id|text}}. Its folder holds the topic, the frozen plans, the "
            "job and the result of every trial, and an append-only ledger in which each line "
            "carries the digest of the line before. {{code:hanji verify}} checks the chain, every "
            "digest and every number of this document against it. Each score names there, by "
            "digest, the code that computed it and the items with the answers that it was computed "
            "against. The run is repeated with"
        ),
        Paragraph(text="{{fact:command|text}}"),
        *memory_used(facts),
        Paragraph(
            text="What the sandbox enforced was probed on this machine before the first trial. "
            + _capabilities(facts)
            + _probed_again(ledger)
        ),
    )


def _capabilities(facts: Mapping[str, JsonValue]) -> str:
    sandbox = facts["sandbox"]
    assert isinstance(sandbox, dict)
    found = sandbox["capabilities"]
    assert isinstance(found, dict)
    held = [name.replace("_", " ") for name, on in sorted(found.items()) if on]
    missing = [name.replace("_", " ") for name, on in sorted(found.items()) if not on]
    parts = [f"Enforced: {', '.join(held) or 'nothing'}"]
    if missing:
        parts.append(f"not enforced: {', '.join(missing)}")
    if isinstance(lacks := sandbox.get("lacks"), list) and lacks:
        parts.append(f"the level is degraded: {', '.join(map(str, lacks))}")
    return "; ".join(parts) + "."


def _probed_again(ledger: Ledger) -> str:
    """A run goes on only where nothing is lost of what held when it began."""
    if not ledger.lines(SandboxLine):
        return ""
    return (
        " The run was interrupted and resumed. Each time the sandbox was probed again before "
        "anything ran in it, and enforced no less."
    )


def _plans(view: RecordView, calls: tuple[Block, ...]) -> tuple[Block, ...]:
    lines = view.ledger.lines(PlanLine)
    if not lines:
        return (Paragraph(text="No plan was frozen in this run."),)
    rows = [
        (
            f"{{{{code:{line.id}}}}}",
            f"{{{{ref:sec:{line.hypothesis}}}}}",
            f"{{{{plan:{line.id}.test.treatment.label|text}}}} against "
            f"{{{{plan:{line.id}.test.control.label|inline}}}}",
            f"{{{{plan:{line.id}.test.null_effect|{view.form(line.id)}}}}}",
            f"{{{{plan:{line.id}.test.predicted_effect|{view.form(line.id)}}}}}",
            f"{{{{plan:{line.id}.seeds|d}}}}",
            f"{{{{plan:{line.id}.test.alpha|.2f}}}}",
        )
        for line in lines
    ]
    table = Table(
        label="tab:plans",
        caption="The frozen plans. The identifier is a digest of the whole plan, which is in the "
        "folder of the run; its full digest stands in the ledger before the first of its trials.",
        columns=(
            Column(title="Plan", align="l"),
            Column(title="Hypothesis", align="l"),
            Column(title="Treatment against control", align="X"),
            Column(title="Null"),
            Column(title="Predicted"),
            Column(title="Seeds"),
            Column(title="Level"),
        ),
        rows=tuple(rows),
        wide=True,
    )
    return (
        Paragraph(text="{{ref:tab:plans}} lists the plans in the order of their freezing."),
        table,
        *calls,
    )


def _deviations(ledger: Ledger) -> tuple[Block, ...]:
    deviations = ledger.lines(DeviationLine)
    failures = ledger.lines(FailureLine)
    if not deviations and not failures:
        return (Paragraph(text="The run followed its frozen plans, and no trial failed."),)
    items = [f"{{{{deviation:{line.id}|text}}}}" for line in deviations]
    items += [f"{{{{failure:{line.id}|text}}}}" for line in failures[:40]]
    blocks: list[Block] = [Items(items=tuple(items))]
    if len(failures) > 40:
        blocks.append(Paragraph(text="Further failures are in the ledger."))
    return tuple(blocks)


def _trials(view: RecordView, shown: Exhibits) -> tuple[Block, ...]:
    lines = sorted(view.ledger.lines(TrialLine), key=lambda t: (t.tool, t.arm, t.seed))
    if not lines:
        return (Paragraph(text="No trial was run."),)
    rows = tuple(_trial_row(shown, line) for line in lines)
    table = Table(
        label="tab:trials",
        caption=f"Every trial of the run. {shown.scored}; a dash stands where a trial has none.",
        columns=(
            Column(title="Trial", align="l"),
            Column(title="Tool", align="l"),
            Column(title="Arm", align="l"),
            Column(title="Seed"),
            Column(title="Outcome", align="l"),
            Column(title="CPU, s"),
            Column(title=shown.score_title),
        ),
        rows=rows,
        long=True,
    )
    return (Paragraph(text="{{ref:tab:trials}} lists them by tool, arm and seed."), table)


def _trial_row(shown: Exhibits, line: TrialLine) -> tuple[str, ...]:
    outcome = line.status if not line.limit else f"{line.status} ({line.limit})"
    return (
        f"{{{{code:{line.id}}}}}",
        line.tool,
        f"{{{{code:{line.arm}}}}}",
        f"{{{{trial:{line.id}.seed|d}}}}",
        outcome + (" (cached)" if line.cached else ""),
        f"{{{{trial:{line.id}.cpu_s|.1f}}}}",
        shown.score(line) if line.status == "ok" else "--",
    )
