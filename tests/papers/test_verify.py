"""Whoever changes one digit of a finished run is found, and the place is named."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from papers.build import build
from papers.manuscript import Manuscript
from papers.numbers import Numbers
from papers.review.check import find_check
from papers.review.finding import Case
from papers.review.pages import picture_text
from papers.review.panel import consult, review
from papers.verify import Verification, verify
from sandbox.backend import find_backend
from sandbox.executors.local import LocalExecutor
from sandbox.ledger import GENESIS, Ledger
from sandbox.records import (
    CostLine,
    EvidenceLine,
    PaperLine,
    PlanLine,
    TrialLine,
    canonical,
    digest_of,
)
from tests.papers.review_case import saying, sound_case, written

PUBLISHED = ("paper.pdf", "paper.html", "paper.tex", "manuscript.json", "manifest.json")
TEX = shutil.which("latexmk") is not None
pytestmark = pytest.mark.slow
needs_tex = pytest.mark.skipif(not TEX, reason="no TeX on this machine")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Path]:
    """A whole run with its paper, not yet sealed, as a real build leaves it."""
    folder = tmp_path_factory.mktemp("verify") / "run"
    case = written(sound_case(folder), (" such as 한지 are", " are"))
    with LocalExecutor(find_backend("process"), 1) as executor:
        built = build(case.manuscript, case.numbers, case.references, folder / "paper", executor)
    assert (built.pdf is not None) == TEX, built.problems
    return replace(case, folder=folder / "paper", problems=built.problems), folder


@pytest.fixture
def run(made: tuple[Case, Path], tmp_path: Path) -> Path:
    """A copy of the run, published."""
    folder = tmp_path / "run"
    shutil.copytree(made[1], folder)
    seal(folder)
    return folder


def seal(folder: Path) -> None:
    """What publishing records: also costs that come after the build."""
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append(CostLine(id="stage", what="stage review", wall_s=3.0, cpu_s=2.0))
    files = {
        f"paper/{name}": hashlib.sha256((folder / "paper" / name).read_bytes()).hexdigest()
        for name in PUBLISHED
        if (folder / "paper" / name).exists()
    }
    ledger.append(PaperLine(id="paper", status="published", files=files))


def reseal(folder: Path) -> None:
    """The forger's second step: a manifest and a paper line that fit the forged files."""
    manifest = folder / "paper" / "manifest.json"
    body = json.loads(manifest.read_text())
    for name in body["files"]:
        body["files"][name] = hashlib.sha256((folder / "paper" / name).read_bytes()).hexdigest()
    manifest.write_text(json.dumps(body))
    seal(folder)


def rechain(folder: Path, change: Callable[[dict[str, object]], dict[str, object] | None]) -> None:
    """A forged ledger whose chain holds."""
    file, previous, texts = folder / "ledger.jsonl", GENESIS, []
    for text in file.read_text().splitlines():
        body = change(json.loads(text))
        if body is None:
            continue
        body.pop("digest")
        body["previous"] = previous
        previous = digest_of(body)
        texts.append(canonical({**body, "digest": previous}))
    file.write_text("\n".join(texts) + "\n")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def named(found: Verification, *words: str) -> bool:
    return any(all(word in place for word in words) for place in found.places)


def test_an_untouched_run_holds(run: Path) -> None:
    found = verify(run)
    assert found == Verification(
        ok=True, chain=True, evidence=True, numbers=found.numbers,
        pdf="checked" if TEX else "absent",
    )  # fmt: skip
    assert found.numbers > 100


def test_verifying_changes_nothing_in_the_run(run: Path) -> None:
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    verify(run)
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


def test_a_digit_in_the_manuscript_is_found(run: Path) -> None:
    value = "mean:evolve/largest.ko/test|"
    edit(run / "paper" / "manuscript.json", f"{value}.3f", f"{value}.2f")
    found = verify(run)
    assert not found.ok
    assert named(found, "paper/manuscript.json")
    assert named(found, "paper.tex, line", "0.950", "0.95")


def test_a_digit_in_the_ledger_is_found_with_its_line(run: Path) -> None:
    file = run / "ledger.jsonl"
    lines = file.read_text().splitlines()
    at = next(i for i, text in enumerate(lines) if '"kind":"evidence"' in text)
    lines[at] = re.sub(r'"value":0\.(\d)', lambda m: f'"value":0.{(int(m[1]) + 1) % 10}', lines[at])
    file.write_text("\n".join(lines) + "\n")
    found = verify(run)
    assert (found.ok, found.chain, found.evidence) == (False, False, False)
    assert named(found, f"line {at + 1} ", "evidence")


def test_a_digit_in_the_source_is_found_with_its_line(run: Path) -> None:
    edit(run / "paper" / "paper.tex", "{0.950}", "{0.960}")
    found = verify(run)
    assert not found.ok
    assert found.altered
    assert named(found, "paper.tex, line", "0.960", "0.950")
    assert named(found, "paper/paper.tex is not the file that the ledger sealed")


def test_a_digit_in_the_page_is_found_even_when_its_digest_is_forged(
    made: tuple[Case, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(made[1], folder)
    edit(folder / "paper" / "paper.html", ">0.950<", ">0.960<")
    reseal(folder)
    found = verify(folder)
    assert not found.ok
    assert named(found, "paper.html", "0.960")
    assert named(found, "paper.html", "0.950", "{{mean:evolve/largest.ko/test|.3f}}")


@needs_tex
def test_a_pdf_that_was_set_from_another_source_is_found_by_its_numbers_alone(
    made: tuple[Case, Path], tmp_path: Path
) -> None:
    """The source, the manuscript and all digests fit: only the printed numbers do not."""
    folder, work = tmp_path / "run", tmp_path / "work"
    shutil.copytree(made[1], folder)
    shutil.copytree(folder / "paper", work)
    edit(work / "paper.tex", "{0.950}", "{0.960}")
    edit(work / "paper.tex", "{+48.3~pp}", r"{\ensuremath{-}48.3~pp}")
    edit(work / "paper.tex", "{eight}", "{nine}")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    command = ["latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "paper.tex"]
    subprocess.run(command, cwd=work, check=True, capture_output=True, env=environment)
    shutil.copy(work / "paper.pdf", folder / "paper" / "paper.pdf")
    reseal(folder)
    found = verify(folder)
    assert not found.ok
    for token in ("0.960", "\N{MINUS SIGN}48.3", "nine"):
        assert any(token in text for text in found.untraced), token
    for token in ("0.950", "+48.3", "eight"):
        assert any(text.startswith(f"paper.pdf: {token} ") for text in found.altered), token
    assert named(found, "abstract, paragraph 1", "0.950")


def test_a_deleted_line_is_found(run: Path) -> None:
    file = run / "ledger.jsonl"
    lines = file.read_text().splitlines()
    del lines[40]
    file.write_text("\n".join(lines) + "\n")
    found = verify(run)
    assert not found.chain
    assert named(found, "line 41 does not follow")


def test_a_line_cut_short_is_found_and_left_as_it_is(run: Path) -> None:
    file = run / "ledger.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    size = file.stat().st_size
    assert not verify(run).chain
    assert file.stat().st_size == size


def test_swapped_evidence_is_found_in_a_forged_chain(run: Path) -> None:
    """Two accuracies of the evolved merge change places; every digest of the ledger fits again."""
    ledger = Ledger(run / "ledger.jsonl")
    first, second = [
        line
        for line in ledger.lines(EvidenceLine)
        if (line.arm, line.task, line.metric) == ("evolve", "largest.ko", "accuracy")
    ][:2]
    values = {
        first.id: (second.value, second.correct),
        second.id: (first.value, first.correct),
    }

    def swap(body: dict[str, object]) -> dict[str, object]:
        if body["kind"] == "evidence" and body["id"] in values:
            body["value"], body["correct"] = values[str(body["id"])]
        return body

    rechain(run, swap)
    found = verify(run)
    assert found.chain
    assert not found.evidence
    assert named(found, "comparison", "the difference of seed 0")
    assert named(found, "paper.tex, line")


def test_a_number_of_a_forged_chain_that_no_test_uses_is_found_by_its_count(run: Path) -> None:
    def forge(body: dict[str, object]) -> dict[str, object]:
        if body["kind"] == "evidence" and body["arm"] == "uniform" and body["metric"] == "accuracy":
            body["value"] = 0.99
        return body

    rechain(run, forge)
    assert named(verify(run), "evidence", "right answers")


def test_a_forged_p_value_is_found(run: Path) -> None:
    def forge(body: dict[str, object]) -> dict[str, object]:
        return {**body, "p_support": 0.0001} if body["kind"] == "comparison" else body

    rechain(run, forge)
    assert named(verify(run), "p_support is recorded as 0.0001")


def test_an_edited_plan_is_found(run: Path) -> None:
    plan = Ledger(run / "ledger.jsonl").lines(PlanLine)[0]
    edit(run / plan.file, '"predicted_effect": 0.1', '"predicted_effect": 0.2')
    found = verify(run)
    assert not found.evidence
    assert named(found, plan.file, "not the plan that was frozen")


def test_an_edited_result_is_found(run: Path) -> None:
    trial = next(t for t in Ledger(run / "ledger.jsonl").lines(TrialLine) if t.status == "ok")
    edit(run / "trials" / trial.id / "result.json", "300", "301")
    found = verify(run)
    assert not found.evidence
    assert named(found, f"trials/{trial.id}/result.json")


@pytest.mark.parametrize("name", ["run.json", "topic.yaml"])
def test_an_edited_setting_is_found(run: Path, name: str) -> None:
    edit(run / name, "Can evolution", "Could evolution")
    assert named(verify(run), name)


def test_edited_figure_data_are_found(run: Path) -> None:
    figure = run / "paper" / "figures" / "fig-forest.json"
    effect = json.loads(figure.read_text())["curves"][0]["y"][0]
    edit(figure, str(effect), str(effect - 10))
    found = verify(run)
    assert named(found, "paper/figures/fig-forest.json")
    assert named(found, "fig:forest", "y values are not those of the evidence")


def test_an_edited_manifest_is_found(run: Path) -> None:
    edit(run / "paper" / "manifest.json", "0.950", "0.960")
    assert named(verify(run), "paper/manifest.json")


def test_the_morning_page_is_not_checked(run: Path) -> None:
    (run / "SUMMARY.md").write_text("It gained 99 points.\n")
    assert verify(run).ok


def test_a_run_without_a_pdf_says_so_and_holds_on_its_page(
    made: tuple[Case, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(made[1], folder)
    (folder / "paper" / "paper.pdf").unlink(missing_ok=True)
    manifest = folder / "paper" / "manifest.json"
    body = json.loads(manifest.read_text())
    body["files"].pop("paper.pdf", None)
    manifest.write_text(json.dumps(body))
    seal(folder)
    found = verify(folder)
    assert (found.ok, found.pdf) == (True, "absent")


@needs_tex
def test_a_published_pdf_that_is_gone_is_found(run: Path) -> None:
    (run / "paper" / "paper.pdf").unlink()
    found = verify(run)
    assert not found.ok
    assert named(found, "paper/paper.pdf", "missing")


@needs_tex
def test_a_pdf_that_cannot_be_read_is_no_pass(run: Path) -> None:
    (run / "paper" / "paper.pdf").write_bytes(b"%PDF-1.5 nothing")
    found = verify(run)
    assert not found.ok
    assert named(found, "paper.pdf cannot be read")


def test_a_typed_number_is_untraced_in_an_otherwise_consistent_paper(
    made: tuple[Case, Path], tmp_path: Path
) -> None:
    case, source = made
    folder = tmp_path / "run"
    shutil.copytree(source, folder)
    forged = saying(case, "It was right on 78.3 of the items, twice on seven.").manuscript
    rebuild(case, forged, folder)
    seal(folder)
    found = verify(folder)
    assert not found.ok
    assert any("78.3" in text and "sec:results" in text for text in found.untraced)
    assert any("seven" in text for text in found.untraced)


def test_a_run_without_a_paper_is_no_pass(made: tuple[Case, Path], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(made[1], folder)
    found = verify(folder)
    assert (found.ok, found.chain, found.evidence) == (False, True, True)
    assert named(found, "no published paper")


def test_a_folder_without_a_ledger_is_no_pass(tmp_path: Path) -> None:
    assert named(verify(tmp_path), "ledger.jsonl is missing")


def test_a_built_sound_paper_is_innocent(made: tuple[Case, Path]) -> None:
    case = made[0]
    found = review(case)
    assert found.findings == () or not TEX
    assert found.unchecked == ()
    assert not found.blocked


def test_a_build_that_differs_from_its_manuscript_is_altered(
    made: tuple[Case, Path], tmp_path: Path
) -> None:
    case = made[0]
    shutil.copytree(made[1] / "paper", tmp_path / "paper")
    edit(tmp_path / "paper" / "paper.tex", "{0.950}", "{0.960}")
    guilty = consult(find_check("altered_number"), replace(case, folder=tmp_path / "paper"))
    assert isinstance(guilty, list)
    assert "0.960" in guilty[0].what
    assert consult(find_check("altered_number"), case) == []


def test_a_figure_drawn_from_other_values_is_found(made: tuple[Case, Path], tmp_path: Path) -> None:
    case = made[0]
    shutil.copytree(made[1] / "paper", tmp_path / "paper")
    edit(tmp_path / "paper" / "figures" / "fig-bars.json", "0.95", "0.85")
    guilty = consult(find_check("figure_against_data"), replace(case, folder=tmp_path / "paper"))
    assert isinstance(guilty, list)
    assert guilty[0].where.startswith("fig:bars")
    assert consult(find_check("figure_against_data"), case) == []


@pytest.mark.parametrize("name", ["altered_number", "figure_against_data", "typesetting"])
def test_a_check_of_the_build_does_not_pass_without_one(made: tuple[Case, Path], name: str) -> None:
    result = consult(find_check(name), replace(made[0], folder=None, problems=None))
    assert not isinstance(result, list)
    assert result.check == name
    assert result.reason


def rebuild(case: Case, manuscript: Manuscript, folder: Path) -> None:
    """Without TeX, to be quick: the page and the source suffice here."""

    class NoTex:
        def submit(self, job: object) -> object:
            raise AssertionError("not reached")

    (folder / "paper" / "paper.pdf").unlink(missing_ok=True)
    numbers = Numbers(case.ledger, case.facts, case.plans, references=len(manuscript.bibliography))
    path = os.environ["PATH"]
    os.environ["PATH"] = ""
    try:
        build(manuscript, numbers, case.references, folder / "paper", NoTex())  # type: ignore[arg-type]
    finally:
        os.environ["PATH"] = path


def test_the_broken_line_is_named_though_a_text_before_it_has_an_odd_end_of_line(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for number, what in enumerate(("one\u2028two", "three\x85four", "five")):
        ledger.append(CostLine(id=f"cost-{number}", what=what))
    edit(tmp_path / "ledger.jsonl", "five", "six")
    (place,) = verify(tmp_path).places
    assert "line 3 " in place
    assert place.endswith("(it records cost cost-2)")


def test_the_last_tick_of_a_picture_is_not_taken_for_a_page_number(tmp_path):
    from matplotlib.figure import Figure

    picture = Figure(figsize=(2, 2))
    picture.text(0.1, 0.9, "ticks")
    picture.text(0.1, 0.1, "1")
    picture.savefig(tmp_path / "picture.pdf")
    assert picture_text(tmp_path / "picture.pdf").split() == ["ticks", "1"]
