"""A paper about speeds says how many times, never percentage points."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from agent.claims import claim_of
from agent.minds.mind import DesignRequest
from agent.minds.playbook.family import Setting, find_family
from agent.minds.playbook.playbook import Playbook
from agent.minds.playbook.writing import write_prose
from agent.press import reference_of
from papers.draft import draft
from papers.effect import axis_of, units_of
from papers.figures import draw
from papers.manuscript import Figure, Table
from papers.review.finding import Case
from papers.review.panel import review
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    CostLine,
    EvidenceLine,
    HypothesisLine,
    RunLine,
    TrialLine,
    VerdictLine,
    short_id,
)
from tests.papers.sample_architecture_run import architecture_facts
from tools.architectures.subject import ArchitectureSuite
from tools.compare import compare, rule
from tools.freeze import freeze, frozen_plans
from tools.literature.library import Library
from tools.measures import MEASURES
from tools.tool import find_tool
from tools.trial import TrialSpec

SUBJECT = ArchitectureSuite("quick", ("mqar", "text"))
SEEDS = tuple(range(8))
CODE, DATA = (hashlib.sha256(text).hexdigest() for text in (b"the code", b"the data"))
FAMILIES = ("block_diffusion_speed", "recurrent_decoding")


def measures(arm: str, seed: int) -> dict[str, float]:
    """Made up around what trials on seed 0 gave: block diffusion is fast and its text is worse."""
    wave = 0.01 * (seed - 3.5)
    ratio = {"block-diffusion-writing": 4.4, "ssd-writing": 2.3}.get(arm, 1.0) + wave
    matched = arm != "block-diffusion-writing"
    return {
        "speedup_batch_1": ratio * matched,
        "speedup_batch_16": ratio * matched,
        "decode_ratio_batch_1": ratio,
        "decode_ratio_batch_16": ratio,
        "quality_matched": float(matched),
        "decode_s_per_token_batch_1": 1e-3 / ratio,
        "judged_bits": 5.7 + 2 * (not matched),
        "baseline_judged_bits": 5.7,
        "cache_bytes_per_token": 514.7,
        "training_steps": 200,
        "rates_tried": 3,
        "learning_rate": 0.01,
        "parameters": 15_000,
        "flops_per_token": 30_000,
    }


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A whole run on two hypotheses about speed, with its draft."""
    folder = tmp_path_factory.mktemp("speeds")
    facts = architecture_facts()
    counted = {"dev_items": 48, "test_items": 64}
    facts["subject"]["tasks"] = [{**asdict(card), **counted} for card in SUBJECT.cards]
    facts["family_size"] = len(FAMILIES)
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append(
        RunLine(id=facts["id"], question=facts["question"], topic_digest=CODE, settings_digest=DATA)
    )
    lines = [hypothesis(name) for name in FAMILIES]
    for line in lines:
        ledger.append(line)
    request = DesignRequest(tuple(lines), SUBJECT, (), SEEDS, (), 40, 0.05, len(FAMILIES), {})
    for plan in Playbook().design(request).experiments:
        freeze(plan, SUBJECT, ledger, folder)
    plans = frozen_plans(ledger, folder)
    for arm in {arm.name: arm for plan in plans for arm in plan.arms}.values():
        for seed in SEEDS:
            trial(ledger, arm, seed)
    for plan in plans:
        ledger.append(compare(plan, ledger))
    comparisons = {line.id: line for line in ledger.lines(ComparisonLine)}
    for verdict in rule(list(comparisons.values()), plans):
        ledger.append(verdict)
        asked = next(line for line in lines if line.id == verdict.hypothesis)
        ledger.append(claim_of(asked, verdict, comparisons[verdict.comparison]))
    bodies = {plan.id: plan.model_dump(mode="json") for plan in plans}
    manuscript = draft(write_prose(ledger, facts, bodies), ledger, facts, bodies)
    library = Library.embedded()
    works = [reference_of(library.entry(key)) for key in manuscript.bibliography]
    return Case(manuscript, ledger, facts, bodies, works)


def hypothesis(family: str) -> HypothesisLine:
    idea = find_family(family).think(Setting(SUBJECT, 40))
    assert idea is not None
    told = ("title", "statement", "rationale", "prediction", "refuted_by", "cites")
    said = {name: getattr(idea, name) for name in told}
    return HypothesisLine(id=short_id(family), family=family, round=1, **said)


def trial(ledger: Ledger, arm, seed: int) -> None:
    arguments = find_tool(arm.tool).normal(arm.arguments)
    spec = TrialSpec(
        tool=arm.tool, arguments=arguments, seed=seed, code_digest=CODE, data_digest=DATA
    )
    about = {"arm": arm.name, "seed": seed, "code_digest": CODE, "data_digest": DATA}
    ledger.append(
        TrialLine(
            id=spec.id, tool=arm.tool, arguments=arguments, status="ok", wall_s=30.0, cpu_s=29.0,
            memory_peak_bytes=2**29, isolation="bubblewrap", result_digest=CODE, **about,
        )
    )  # fmt: skip
    for metric, value in measures(arm.name, seed).items():
        known = MEASURES[metric]
        seal(ledger, spec.id, metric, "mqar", "dev", value, known.unit, known.better, about)
    if arm.name != "block-diffusion-writing":
        seal(ledger, spec.id, "bits", "text", "test", 2.8 + 0.01 * seed, "bits", "lower", about)
    ledger.append(
        CostLine(id=f"cost-{spec.id}", what=f"trial {spec.id}", wall_s=30.0, cpu_s=29.0, trials=1)
    )


def seal(ledger: Ledger, id: str, metric, task, split, value, unit, better, about) -> None:
    ledger.append(
        EvidenceLine(
            id=short_id([id, metric, task, split]), metric=metric, task=task, split=split,
            value=value, unit=unit, better=better, items=1, trial=id, **about,
        )
    )  # fmt: skip


def words(case: Case) -> str:
    """All prose, captions and cells, with their values filled in."""
    found = [block.text for block in case.manuscript.abstract]
    for section in case.manuscript.sections:
        for block in section.blocks:
            found += [getattr(block, name, "") for name in ("text", "caption")]
            found += list(getattr(block, "items", ()))
            found += [cell for row in getattr(block, "rows", ()) for cell in row]
    return " ".join(case.shown(text) for text in found)


def test_speeds_are_told_in_times_and_never_in_percentage_points(paper: Case) -> None:
    said = words(paper)
    assert "times the speed of the baseline" in said
    assert "predicts a difference of 3.00 times the speed of the baseline or more" in said
    assert "at matched quality, writing sequences singly, is 0.00 times for block diff" in said
    assert "percentage point" not in said
    assert "\N{NO-BREAK SPACE}pp" not in said


def test_a_speed_without_matched_quality_is_refuted_and_shown_apart(paper: Case) -> None:
    rulings = {line.hypothesis: line.ruling for line in paper.ledger.lines(VerdictLine)}
    assert rulings == {short_id(FAMILIES[0]): "refuted", short_id(FAMILIES[1]): "supported"}
    tables = {
        b.label: b for s in paper.manuscript.sections for b in s.blocks if isinstance(b, Table)
    }
    rows = {paper.shown(row[0]): [paper.shown(c) for c in row] for row in tables["tab:speed"].rows}
    assert rows["Block diffusion as writer"][1:6] == ["0.00", "0.00", "4.40", "4.40", "0.0%"]
    assert rows["SSD as writer"][1] == "2.30"
    assert "counts as none where quality is not matched" in words(paper)
    assert "Times are compared only between" in words(paper)


def test_the_review_finds_nothing_in_a_paper_about_speeds(paper: Case) -> None:
    found = review(paper)
    assert not [(f.check, f.where, f.what) for f in found.findings]


def test_speeds_of_all_batches_share_an_axis(paper: Case) -> None:
    [forest] = [
        b
        for s in paper.manuscript.sections
        for b in s.blocks
        if isinstance(b, Figure) and b.label == "fig:forest"
    ]
    assert len(forest.series[0].x) == 2
    assert axis_of("speedup_batch_1") == axis_of("speedup_batch_16") != axis_of("accuracy")
    assert axis_of("state_floats") != axis_of("cpu_s")


def test_what_was_written_is_drawn_against_its_time(paper: Case, tmp_path: Path) -> None:
    [pace] = [
        b
        for s in paper.manuscript.sections
        for b in s.blocks
        if isinstance(b, Figure) and b.label == "fig:pace"
    ]
    drawn = draw(pace, paper.numbers, tmp_path / "figures")
    assert not drawn.problems
    data = json.loads(drawn.data.read_text())
    assert (data["unit"], data["x_unit"]) == ("bits", "s")
    fastest = min(data["curves"], key=lambda curve: curve["at"][0])
    assert fastest["label"] == "Block diffusion as writer"


def test_units_are_named_by_what_is_compared() -> None:
    assert units_of(["accuracy", "accuracy"]) == "in percentage points (pp)"
    both = units_of(["speedup_batch_1", "accuracy"])
    assert both == (
        "in percentage points (pp) for accuracies, in times the speed of the baseline for speed-ups"
    )
    assert units_of(["state_floats"]) == "in the unit of what is compared"
