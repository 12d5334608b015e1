import hashlib
import json
import re

import pytest

from papers.build import build
from papers.latex import compile as tex
from papers.manuscript import Manuscript, Paragraph, Table
from papers.numbering import body
from papers.numbers import Numbers
from papers.review.pages import read_pdf
from sandbox.backend import find_backend
from sandbox.errors import TexFailed, UnbackedNumber
from sandbox.executors.local import LocalExecutor
from tests.papers.sample_run import sample_run


@pytest.fixture(scope="module")
def executor():
    with LocalExecutor(find_backend("bubblewrap"), slots=1) as running:
        yield running


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sample_run(tmp_path_factory.mktemp("build"))


def build_it(run, folder, executor, manuscript=None):
    ledger, facts, plans, sample, references = run
    numbers = Numbers(ledger, facts, plans, references=len(references))
    return build(manuscript or sample, numbers, references, folder, executor)


@pytest.fixture(scope="module")
def built(run, tmp_path_factory, executor):
    return build_it(run, tmp_path_factory.mktemp("paper"), executor)


@pytest.mark.slow
def test_the_paper_is_built_in_the_sandbox_without_a_visible_flaw(built):
    problems = [p for p in built.problems if "texlive-lang-korean" not in p]
    assert built.pdf is not None and problems == []


@pytest.mark.slow
def test_the_pdf_prints_the_numbers_of_the_manifest(built):
    from pypdf import PdfReader

    text = " ".join(page.extract_text() for page in PdfReader(built.pdf).pages)
    flat = re.sub(r"\s+", "", text)
    manifest = json.loads(built.manifest.read_text())
    assert len(manifest["numbers"]) > 150
    for number in manifest["numbers"]:
        if number["unit"] != "text":
            assert re.sub(r"\s+", "", number["text"]) in flat, number
            assert number["sources"]


@pytest.mark.slow
def test_no_table_floats_into_the_references(run, tmp_path, executor):
    *_, sample, _ = run
    last = body(sample)[-1]
    tables = [b for s in body(sample) for b in s.blocks if isinstance(b, Table) and not b.long]
    sections = []
    for section in sample.sections:
        kept = [block for block in section.blocks if block not in tables]
        blocks = (*kept, *tables) if section.label == last.label else tuple(kept)
        sections.append(section.model_copy(update={"blocks": blocks}))
    crowded = sample.model_copy(update={"sections": tuple(sections)})
    built = build_it(run, tmp_path / "paper", executor, crowded)
    text = "\n".join(read_pdf(built.pdf))
    places = [match.start() for match in re.finditer(r"^Table \d+\. ", text, re.MULTILINE)]
    before = [place for place in places if place < text.index("References\n")]
    assert len(tables) >= 3
    assert len(before) == len(tables)


@pytest.mark.slow
def test_the_manifest_holds_a_digest_of_every_file(built):
    manifest = json.loads(built.manifest.read_text())
    folder = built.manifest.parent
    written = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == written - {"manifest.json"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert Manuscript.model_validate_json((folder / "manuscript.json").read_bytes())


@pytest.mark.slow
def test_building_again_changes_no_byte(run, built, executor):
    before = built.manifest.read_bytes()
    assert build_it(run, built.manifest.parent, executor).manifest.read_bytes() == before


def with_abstract(run, text):
    return run[3].model_copy(update={"abstract": (Paragraph(text=text),)})


@pytest.mark.slow
def test_without_tex_the_page_is_written_and_says_how_to_get_the_pdf(
    run, tmp_path, executor, monkeypatch
):
    monkeypatch.setattr(tex.shutil, "which", lambda name: None)
    made = build_it(run, tmp_path, executor)
    assert made.pdf is None and made.html.exists()
    assert any("apt install" in problem and "latexmk" in problem for problem in made.problems)
    assert "paper.pdf" not in json.loads(made.manifest.read_text())["files"]


def test_a_number_that_nothing_backs_is_refused_with_its_place(run, tmp_path, executor):
    with pytest.raises(UnbackedNumber, match="abstract, paragraph 1: no evidence 'x'"):
        build_it(run, tmp_path, executor, with_abstract(run, "It is {{ev:x|.3f}}."))


def compile_source(folder, body, executor):
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "references.bib").write_text("")
    (folder / "paper.tex").write_text(
        "\\documentclass{article}\\begin{document}" + body + "\\end{document}"
    )
    return tex.compile_pdf(folder, executor)


@pytest.mark.slow
def test_tex_reads_no_file_of_the_machine_and_runs_no_command(tmp_path, executor):
    with pytest.raises(TexFailed, match="passwd"):
        compile_source(tmp_path, "\\input{/etc/passwd}", executor)
    made = compile_source(tmp_path, "x\\immediate\\write18{touch hacked > paper.pdf}", executor)
    assert made.pdf.read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_a_broken_source_fails_with_the_first_error_and_the_log_lists_flaws(tmp_path, executor):
    with pytest.raises(TexFailed, match="Undefined control sequence"):
        compile_source(tmp_path, "\\oops", executor)
    made = compile_source(tmp_path, "\\ref{no} \\hbox to 99cm{x}", executor)
    assert "undefined reference: no" in made.problems
    assert any("overfull box" in problem for problem in made.problems)
