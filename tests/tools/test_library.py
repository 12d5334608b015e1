"""The embedded literature answers as a person would expect."""

import pytest

from sandbox.errors import BadInput, UnknownName
from tools.literature.library import Library


def test_every_entry_can_be_cited():
    library = Library.embedded()
    assert len(library.keys()) >= 239
    for key in sorted(library.keys()):
        entry = library.entry(key)
        assert entry.title
        assert all(entry.authors)
        assert 1900 < entry.year < 2030
        assert entry.bibtex.startswith("@") and key in entry.bibtex
        assert entry.verified


def test_the_library_is_parsed_once():
    assert Library.embedded() is Library.embedded()


def test_latex_becomes_letters_and_names_read_forwards():
    entry = Library.embedded().entry("abrantes2025competition")
    assert entry.authors[0] == "João Abrantes"
    assert entry.identifier == "doi:10.1145/3712256.3726329"
    assert Library.embedded().entry("ainsworth2023rebasin").title.startswith("Git Re-Basin:")
    assert r"Jo{\~a}o" in entry.bibtex


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("evolutionary optimization of model merging", "akiba2025evolutionary"),
        ("editing models with task arithmetic", "ilharco2023task"),
        ("bootstrap", "efron1979bootstrap"),
        ("Holm multiple test procedure", "holm1979simple"),
        ("layer swapping cross-lingual transfer", "bandarkar2025layerswapping"),
        ("CMA evolution strategy tutorial", "hansen2016cma"),
        ("random search hyperparameter", "bergstra2012random"),
    ],
)
def test_a_search_finds_the_work_first(query, key):
    assert key in [entry.key for entry in Library.embedded().search(query, 2)]


def test_stems_and_authors_are_found_and_symbols_do_no_harm():
    library = Library.embedded()
    assert "akiba2025evolutionary" in [e.key for e in library.search("merged Akiba")]
    assert library.search('AND "*) NEAR(') is not None
    assert library.search("?!") == []
    assert library.search("merging", 0) == []
    assert len(library.search("merging", 7)) == 7


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(UnknownName, match="akiba2025evolutionary"):
        Library.embedded().entry("akiba2024evolutionary")


def test_a_broken_entry_is_named(tmp_path):
    file = tmp_path / "x.bib"
    file.write_text("@misc{a,\n title = {T},\n author = {B, C}\n}\n")
    with pytest.raises(BadInput, match="a has no year"):
        Library.read(file)
