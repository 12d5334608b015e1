"""A person's own BibTeX and PDFs are searched; what is not confirmed is not cited."""

import pytest

from sandbox.errors import BadInput
from tests.tools.printed_pdf import printed
from tools.literature.library import Library
from tools.literature.own import KEPT, keep, read_brought, read_kept

GOOD = """@article{kim2025soup,
  title = {Soups of {Korean} Models \\input{/etc/passwd} \\& More},
  author = {Kim, Min-ji and M{\\"u}ller, Jan},
  date = {2025-03},
  journaltitle = {Journal of Soups},
  file = {/home/kim/secret.pdf},
  abstract = {We average hanok checkpoints.}
}
"""


def test_what_a_file_cannot_give_is_skipped_and_said(tmp_path):
    file = tmp_path / "own.bib"
    file.write_text(
        GOOD + "@misc{web, title={A Page}}\n@misc{old, title={T}, author={A}, year={soon}}\n"
    )
    brought = read_brought([str(file)])
    assert [entry.key for entry in brought.entries] == ["kim2025soup"]
    assert [said for said in brought.skipped if "web has no author" in said]
    assert [said for said in brought.skipped if "no year but 'soon'" in said]


def test_own_bibtex_is_written_anew_so_that_nothing_in_it_runs_as_tex(tmp_path):
    file = tmp_path / "own.bib"
    file.write_text(GOOD)
    (entry,) = read_brought([str(file)]).entries
    assert "\\input" not in entry.bibtex and "secret" not in entry.bibtex
    assert "author        = {Kim, Min-ji and Müller, Jan}" in entry.bibtex
    assert "{Korean}" not in entry.bibtex and r"\&" in entry.bibtex
    assert entry.verified == "own BibTeX file own.bib, as the person gave it"
    library = Library.embedded()
    mine = Library([*library.entries(), entry])
    assert mine.search("hanok checkpoints")[0].key == "kim2025soup"
    assert "kim2025soup" not in {each.key for each in library.entries()}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("missing.bib", "does not exist"),
        ("notes.txt", "neither .bib nor .pdf"),
        ("empty", "holds no"),
    ],
)
def test_a_path_that_is_no_literature_is_refused_before_anything_is_read(tmp_path, name, what):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=what):
        read_brought([str(tmp_path / name)])


def test_a_pdf_is_citable_only_when_its_first_page_confirms_it(tmp_path):
    page = ["arXiv:2501.01234v2 [cs.CL] 2 Jan 2025", "Wise Merging of Owls", "Ada Byron, Bo Lee"]
    printed(tmp_path / "sure.pdf", page, "Wise Merging of Owls", "Ada Byron; Bo Lee")
    printed(tmp_path / "other-title.pdf", page, "Template for Owls", "Ada Byron")
    printed(tmp_path / "no-metadata.pdf", ["Notes about the nocturnal averaging", "of falcons"])
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nonsense")
    printed(tmp_path / "scan.pdf", [])
    brought = read_brought([str(tmp_path)])
    by_key = {entry.key: entry for entry in brought.entries}
    sure = by_key["pdf-sure"]
    assert sure.citable and (sure.year, sure.identifier) == (2025, "arXiv:2501.01234")
    assert "first page" in sure.verified and sure.authors == ("Ada Byron", "Bo Lee")
    assert not by_key["pdf-other-title"].citable
    notes = by_key["pdf-no-metadata"]
    assert not notes.citable and notes.title == "Notes about the nocturnal averaging"
    assert len(brought.skipped) == 2
    library = Library(brought.entries)
    assert library.keys() == ("pdf-sure",)
    found = library.search("nocturnal falcons", citable=False)
    assert [entry.key for entry in found] == ["pdf-no-metadata"]


def test_works_that_were_kept_come_back_as_they_were(tmp_path):
    file = tmp_path / "own.bib"
    file.write_text(GOOD)
    entries = read_brought([str(file)]).entries
    keep(entries, tmp_path / "run" / KEPT)
    assert read_kept(tmp_path / "run" / KEPT) == entries
    assert read_brought([str(tmp_path / "run" / KEPT)]).entries == entries


def test_a_pdf_that_ends_its_reader_costs_no_other_file(tmp_path):
    bad = printed(tmp_path / "b-loop.pdf", ["Never read"]).read_bytes()
    (tmp_path / "b-loop.pdf").write_bytes(bad.replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"))
    printed(tmp_path / "a.pdf", ["The first of the good files"])
    printed(tmp_path / "c.pdf", ["The last of the good files"])
    brought = read_brought([str(tmp_path)])
    assert [entry.key for entry in brought.entries] == ["pdf-a", "pdf-c"]
    assert len(brought.skipped) == 1 and "b-loop.pdf" in brought.skipped[0]
