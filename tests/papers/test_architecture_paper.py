"""A run on architectures becomes a paper that passes its review and can be verified."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agent.minds.playbook.authors.mechanisms import BLOCKS
from agent.minds.playbook.family import find_family, is_gate
from agent.minds.playbook.writing import write_prose
from agent.press import reference_of
from papers.build import build
from papers.draft import draft
from papers.exhibits.exhibit import exhibits_of
from papers.figures import draw
from papers.manuscript import Figure, Manuscript, Paragraph, Table
from papers.prose import unclosed
from papers.record_view import RecordView
from papers.review.check import CannotCheck, find_check
from papers.review.finding import Case, Finding
from papers.review.panel import review
from papers.verify import verify
from sandbox.backend import find_backend
from sandbox.executors.local import LocalExecutor
from sandbox.ledger import Ledger
from sandbox.records import (
    AnyLine,
    ComparisonLine,
    EvidenceLine,
    HypothesisLine,
    PaperLine,
    TrialLine,
    VerdictLine,
)
from tests.papers.review_case import each_block, recorded, rewrite, saying
from tests.papers.sample_architecture_run import ARMS, PRIMARY, SEEDS, sample_architecture_run
from tools.literature.library import Library


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A whole run with its draft. For reading."""
    return drafted(*sample_architecture_run(tmp_path_factory.mktemp("architectures") / "run"))


def drafted(ledger: Ledger, facts: dict, plans: dict) -> Case:
    manuscript = draft(write_prose(ledger, facts, plans), ledger, facts, plans)
    library = Library.embedded()
    works = [reference_of(library.entry(key)) for key in manuscript.bibliography]
    return Case(manuscript, ledger, facts, plans, works)


def again(case: Case) -> Case:
    """The paper that the author writes about changed records."""
    return drafted(case.ledger, dict(case.facts), dict(case.plans))


def blocks(manuscript: Manuscript, kind: type) -> dict:
    return {b.label: b for s in manuscript.sections for b in s.blocks if isinstance(b, kind)}


def words(case: Case, section: str) -> str:
    found = next(s for s in case.manuscript.sections if s.label == section)
    parts = [getattr(b, "text", "") or " ".join(getattr(b, "items", ())) for b in found.blocks]
    return " ".join(case.shown(part) for part in parts)


def problems(case: Case, name: str) -> list[Finding]:
    try:
        return list(find_check(name).look(case))
    except CannotCheck as reason:
        pytest.fail(f"could not check: {reason}")


def test_the_review_finds_nothing_in_an_honest_paper(paper: Case) -> None:
    found = review(paper)
    assert not found.findings
    assert {u.check for u in found.unchecked} == {
        "altered_number",
        "figure_against_data",
        "typesetting",
    }


def test_an_honest_paper_about_unconfined_trials_passes_its_review(paper: Case) -> None:
    loose = {"backend": "process", "level": "unconfined", "confined": False, "capabilities": {}}
    facts = {**paper.facts, "sandbox": loose}
    assert not review(drafted(paper.ledger, facts, dict(paper.plans))).findings


def test_the_paper_cites_enough_works_that_the_library_has(paper: Case) -> None:
    assert len(paper.references) >= 15
    assert len(paper.references) == len(paper.manuscript.bibliography)


def test_the_method_describes_the_blocks_that_were_used_and_no_others(paper: Case) -> None:
    method = " ".join(
        " ".join(getattr(b, "items", ()))
        for s in paper.manuscript.sections
        if s.label == "sec:method"
        for b in s.blocks
    )
    used = {"softmax_attention", "state_space_dual", "linear_attention", "delta_net", "glu"}
    assert {name for name, text in BLOCKS.items() if text in method} == used
    assert "passed again with the same weights" in method


def test_a_block_without_a_sentence_is_named_and_its_code_is_not_loaded(tmp_path: Path) -> None:
    from agent.minds.playbook.authors.mechanisms import sentences
    from tools.architectures.architecture import Architecture

    body = {"layers": [{"mixer": {"block": "my_own_mixer"}}]}
    (told,) = sentences([Architecture.model_validate(body)])
    assert "{{code:my_own_mixer}}" in told


def test_every_block_of_the_built_in_families_has_a_sentence() -> None:
    from agent.minds.playbook.family import Setting, all_families
    from tools.architectures.architecture import Architecture
    from tools.architectures.subject import ArchitectureSuite

    at = Setting(ArchitectureSuite("quick"), 1)
    ideas = [family.think(at) for family in all_families("architectures").values()]
    named = {
        choice.block
        for idea in ideas
        for arm in (idea.arms if idea else ())
        if "layers" in arm.arguments.get("architecture", {})
        for layer in Architecture.model_validate(arm.arguments["architecture"]).layers
        for choice in (layer.mixer, layer.channel)
        if choice is not None
    }
    assert named and named <= BLOCKS.keys()


def test_every_arm_stands_in_the_main_table_with_its_own_task(paper: Case) -> None:
    main = blocks(paper.manuscript, Table)["tab:main"]
    shown = {paper.shown(row[0]): paper.shown(row[1]) for row in main.rows}
    assert shown.keys() == {made.arm.label for made in ARMS.values()}
    assert shown["SSD"] == "Multi-query recall" and shown["SSD, selective copy"] == "Selective copy"


def test_the_table_of_costs_shows_what_was_counted_and_dashes_elsewhere(paper: Case) -> None:
    def without(line: AnyLine) -> AnyLine | None:
        lost = isinstance(line, EvidenceLine) and line.metric == "state_floats"
        return None if lost and line.arm == "ssd" else line

    costs = blocks(again(recorded(paper, without)).manuscript, Table)["tab:architectures"]
    rows = {paper.shown(row[0]): [paper.shown(cell) for cell in row[1:]] for row in costs.rows}
    assert rows["SSD"] == ["13,120", "--", "29,000", "400", "3", "512.5\u00a0KiB"]
    assert rows["Schlag's DeltaNet"][1] == "768"


def test_memory_has_a_column_only_where_it_was_measured(paper: Case) -> None:
    def without(line: AnyLine) -> AnyLine | None:
        return None if isinstance(line, EvidenceLine) and line.metric == "training_bytes" else line

    for case, told in ((paper, True), (again(recorded(paper, without)), False)):
        costs = blocks(case.manuscript, Table)["tab:architectures"]
        assert ("Memory" in [column.title for column in costs.columns]) == told
        assert ("Memory: of a training pass" in costs.caption) == told


def test_a_missed_gate_is_said_in_title_abstract_and_discussion(paper: Case) -> None:
    first = paper.ledger.lines(VerdictLine)[0]
    missed = again(
        recorded(
            paper,
            lambda line: (
                line.model_copy(update={"ruling": "inconclusive"})
                if isinstance(line, VerdictLine) and line.id == first.id
                else line
            ),
        )
    )
    assert missed.manuscript.title.startswith("Is a Known Order")
    assert "was not reproduced" in missed.manuscript.abstract[0].text
    assert "no order of the arms" in words(missed, "sec:discussion")
    assert "reproduced the known order" in paper.manuscript.abstract[0].text


def test_a_gate_that_was_never_asked_lets_no_claim_stand_in_the_title(paper: Case) -> None:
    gate = {h.id for h in paper.ledger.lines(HypothesisLine) if is_gate(h, "architectures")}
    asked = again(recorded(paper, lambda line: _apart_from(gate, line)))
    abstract = asked.manuscript.abstract[0].text
    assert paper.manuscript.title.startswith("The delta rule recalls more")
    assert asked.manuscript.title.startswith("Which mixers of constant size")
    assert "was not asked of the code of this run" in abstract
    assert "reproduced" not in abstract
    assert "no order of the arms" in words(asked, "sec:discussion")
    assert "The known order was reproduced" not in words(asked, "sec:conclusion")
    assert "The known order was reproduced" in words(paper, "sec:conclusion")


def _apart_from(gate: set[str], line: AnyLine) -> AnyLine | None:
    about = line.id if isinstance(line, HypothesisLine) else getattr(line, "hypothesis", "")
    return None if about in gate else line


def said_of(case: Case, family: str) -> str:
    line = next(h for h in case.ledger.lines(HypothesisLine) if h.family == family)
    passage = write_prose(case.ledger, case.facts, case.plans).findings[line.id]
    return " ".join(block.text for block in passage if isinstance(block, Paragraph))


def test_an_effect_below_its_prediction_but_above_zero_is_not_explained_away(paper: Case) -> None:
    said = said_of(paper, "short_convolution")
    assert "in the predicted direction but smaller than predicted" in said
    assert find_family("short_convolution").meaning["refuted"] not in said


@pytest.mark.parametrize(
    ("relation", "first", "then", "says"),
    [
        ("replicate", "supported", "supported", "is repeated on fresh seeds"),
        ("replicate", "supported", "refuted", "on fresh seeds and should not be relied on"),
        ("replicate", "supported", "inconclusive", "holds on fresh seeds is left open"),
        ("replicate", "inconclusive", "inconclusive", "holds on fresh seeds is left open"),
        ("generalise", "refuted", "refuted", "is repeated in this setting"),
        ("generalise", "inconclusive", "supported", "leaves open is decided in this setting"),
        ("promote", "supported", "refuted", "for the tasks that suit it"),
        ("ablate", "refuted", "supported", "contributes to the outcome"),
    ],
)
def test_a_follow_up_says_of_the_first_outcome_what_both_rulings_allow(
    paper: Case, relation: str, first: str, then: str, says: str
) -> None:
    child = next(h for h in paper.ledger.lines(HypothesisLine) if h.parent)
    rulings = {child.parent: first, child.id: then}

    def changed(line: AnyLine) -> AnyLine:
        if isinstance(line, VerdictLine) and line.hypothesis in rulings:
            return line.model_copy(update={"ruling": rulings[line.hypothesis]})
        return line.model_copy(update={"relation": relation}) if line == child else line

    assert says in said_of(recorded(paper, changed), child.family)


def test_calls_of_several_tools_say_which_arm_calls_which(paper: Case) -> None:
    plans = json.loads(json.dumps(paper.plans))
    for plan in plans.values():
        for arm in plan["arms"]:
            if arm["name"] == "looped":
                arm["tool"] = "upscale_architecture"
            arm["arguments"] = {"task": arm["arguments"]["task"], "steps": 400}
            arm["arguments"] |= {"size": "a}}b"} if arm["name"] == "ssd" else {}
    view = RecordView(paper.ledger, paper.facts, plans)
    lead, arms = exhibits_of(view).calls()
    assert "{{code:steps=400}}" in getattr(lead, "text", "")
    (looped,) = (item for item in getattr(arms, "items", ()) if ".arm.looped." in item)
    assert "{{code:upscale_architecture: task=mqar}}" in looped
    assert not any(unclosed(item) for item in getattr(arms, "items", ()))


def test_a_run_that_measured_nothing_still_has_its_paper(paper: Case) -> None:
    empty = again(
        recorded(
            paper,
            lambda line: (
                None if isinstance(line, EvidenceLine | ComparisonLine | VerdictLine) else line
            ),
        )
    )
    assert "could not test any" in empty.manuscript.abstract[0].text
    stated = empty.ledger.lines(HypothesisLine)
    assert all("could not be tested" in words(empty, f"sec:{h.id}") for h in stated)
    assert not problems(empty, "placeholder")
    assert "tab:main" not in blocks(empty.manuscript, Table)
    assert not blocks(empty.manuscript, Figure)


def test_an_arm_with_a_single_seed_has_no_interval(paper: Case) -> None:
    alone = again(
        recorded(
            paper,
            lambda line: (
                None
                if isinstance(line, EvidenceLine) and line.arm == "looped" and line.seed != SEEDS[0]
                else line
            ),
        )
    )
    rows = {paper.shown(r[0]): r for r in blocks(alone.manuscript, Table)["tab:main"].rows}
    assert rows["Looped layer"][3] == "--"
    figures = blocks(alone.manuscript, Figure)
    assert not any(
        "looped" in series.y[0]
        for name in ("fig:main", "fig:pareto")
        for series in figures[name].series
    )


@pytest.mark.slow
def test_a_point_of_the_scatter_stands_at_its_evidence(paper: Case, tmp_path: Path) -> None:
    figure = blocks(paper.manuscript, Figure)["fig:pareto"]
    drawn = draw(figure, paper.numbers, tmp_path / "figures")
    assert not drawn.problems
    data = json.loads(drawn.data.read_text())
    assert data["draw"] == "scatter" and data["x_unit"] == "count"
    states = {ARMS[s.y[0].split(":")[1].split("/")[0]].state for s in figure.series}
    assert {curve["at"][0] for curve in data["curves"]} == states
    assert all(data["sources"][x] for s in figure.series for x in s.x)
    built = replace(paper, folder=tmp_path)
    ours = [f for f in problems(built, "figure_against_data") if f.where.startswith("fig:pareto")]
    assert not ours


@pytest.mark.parametrize("label", ["fig:forest", "fig:main"])
def test_a_figure_whose_labels_have_an_apostrophe_is_that_of_the_manuscript(
    paper: Case, tmp_path: Path, label: str
) -> None:
    """The forest's labels are written out, those of the main figure refer to plans."""
    figure = blocks(paper.manuscript, Figure)[label]
    assert ("{{" in figure.series[0].x[0]) == (label == "fig:main")
    file = draw(figure, paper.numbers, tmp_path / "figures").data
    [first, *_] = json.loads(file.read_text())["curves"]
    assert any("\N{RIGHT SINGLE QUOTATION MARK}" in name for name in first["x"])
    found = problems(replace(paper, folder=tmp_path), "figure_against_data")
    assert not [f for f in found if f.where.startswith(label)]


def test_a_point_that_was_moved_along_the_cost_is_found(paper: Case, tmp_path: Path) -> None:
    figure = blocks(paper.manuscript, Figure)["fig:pareto"]
    file = draw(figure, paper.numbers, tmp_path / "figures").data
    data = json.loads(file.read_text())
    data["curves"][0]["at"] = [1.0]
    file.write_text(json.dumps(data))
    found = problems(replace(paper, folder=tmp_path), "figure_against_data")
    assert any("do not stand where" in f.what for f in found)


def test_an_arm_of_another_task_may_not_be_left_out(paper: Case) -> None:
    def shortened(block: object) -> object:
        if isinstance(block, Table) and block.label == "tab:main":
            return block.model_copy(update={"rows": block.rows[:-1], "rules_before": ()})
        return block

    spoilt = replace(paper, manuscript=each_block(paper.manuscript, shortened))
    assert [f.where for f in problems(spoilt, "missing_baseline")] == ["tab:main"]
    assert not problems(paper, "missing_baseline")


def test_arms_with_unequal_steps_are_found_when_the_paper_is_silent(paper: Case) -> None:
    plans = json.loads(json.dumps(paper.plans))
    for plan in plans.values():
        for arm in plan["arms"]:
            if arm["name"] == "ssd":
                arm["arguments"]["steps"] = 4000
    silent = replace(
        paper, plans=plans, manuscript=rewrite(paper.manuscript, ("/training_steps", "/parameters"))
    )
    assert any("training steps" in f.what for f in problems(silent, "unequal_tuning"))
    assert not problems(replace(paper, plans=plans), "unequal_tuning")


def test_the_accuracy_that_chose_a_rate_is_no_result(paper: Case) -> None:
    said = f"SSD reaches {{{{mean:ssd/{PRIMARY}/dev/dev_accuracy|.3f}}}}."
    assert problems(saying(paper, said), "selected_on_test")
    assert not problems(paper, "selected_on_test")
    other = recorded(
        saying(paper, said),
        lambda line: (
            line.model_copy(update={"tool": "of_another_package"})
            if isinstance(line, TrialLine)
            else line
        ),
    )
    assert problems(other, "selected_on_test")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no TeX on this machine")
def test_the_built_paper_passes_its_review_and_is_verified(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    case = drafted(*sample_architecture_run(folder))
    with LocalExecutor(find_backend("process"), 1) as executor:
        built = build(case.manuscript, case.numbers, case.references, folder / "paper", executor)
    assert built.pdf is not None and not built.problems
    found = review(replace(case, folder=folder / "paper", problems=built.problems))
    assert not found.findings and not found.unchecked
    files = {
        f"paper/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "paper").iterdir()
        if path.name in ("paper.pdf", "paper.html", "paper.tex", "manuscript.json", "manifest.json")
    }
    case.ledger.append(PaperLine(id="paper", status="published", files=files))
    checked = verify(folder)
    assert checked.ok, checked.places
