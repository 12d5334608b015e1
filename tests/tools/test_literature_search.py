"""A search finds what a researcher means, in the words that researchers type."""

from pathlib import Path
from statistics import fmean

import pytest
import yaml

from tools.literature.entry import Entry
from tools.literature.library import Library
from tools.literature.query import synonyms

FOLDER = Path(__file__).parents[2] / "tools" / "literature"
QUERIES = yaml.safe_load(Path(__file__).with_name("literature_queries.yaml").read_text())
HELD_BACK = [query for at, query in enumerate(QUERIES) if at % 3 != 2]


def work(key: str, title: str, **more: object) -> Entry:
    given = {
        "authors": ("Ada Writer",),
        "year": 2024,
        "venue": "",
        "identifier": "",
        "keywords": (),
        "verified": "a test",
        "bibtex": f"@misc{{{key},\n}}\n",
        **more,
    }
    return Entry(key=key, title=title, **given)


def test_recall_at_ten_is_at_least_nine_in_ten_on_the_queries_held_back():
    library = Library.embedded()
    assert len(HELD_BACK) == 40
    recalls = []
    for query, answers in HELD_BACK:
        assert set(answers) <= set(library.keys()) and len(answers) <= 10
        found = {entry.key for entry in library.search(query, 10)}
        recalls.append(len(found & set(answers)) / len(answers))
    assert fmean(recalls) >= 0.9


def test_every_descriptor_is_of_an_entry_and_every_synonym_says_why():
    described = yaml.safe_load((FOLDER / "descriptors.yaml").read_text())
    assert set(described) == set(Library.embedded().keys())
    groups = yaml.safe_load((FOLDER / "synonyms.yaml").read_text())
    assert all(len(group["same"]) > 1 and group["why"] for group in groups)
    assert len(synonyms()) == len(groups)


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("evoluton stratgy covarience", "hansen2016cma"),
        ("quantization of LLM weights", "frantar2023gptq"),
        ("flash attention", "dao2022flash"),
        ("subquadratic", "poli2023hyena"),
        ("sub-quadratic", "poli2023hyena"),
        ("NAS", "elsken2019nas"),
    ],
)
def test_typos_spellings_compounds_and_acronyms_are_understood(query, key):
    assert key in [entry.key for entry in Library.embedded().search(query, 10)]


def test_a_work_is_never_there_twice_and_a_verified_entry_stays():
    library = Library([work("a", "Merging Is Fine", identifier="arXiv:2401.00001")])
    same = library.add(
        [work("b", "Merging is fine!"), work("c", "X", identifier="arXiv:2401.00001v2")]
    )
    assert [entry.key for entry in same] == ["a", "a"]
    assert library.keys() == ("a",)


def test_an_entry_that_can_be_cited_takes_the_place_of_one_that_cannot():
    library = Library([work("pdf", "Merging Is Fine", verified="")])
    library.add([work("bib", "Merging is fine")])
    assert library.keys() == ("bib",)
    assert library.entry("bib").citable
    assert [entry.key for entry in library.entries()] == ["bib"]


def test_the_pages_of_a_pdf_join_the_entry_that_can_be_cited():
    pdf = work("pdf", "Merging Is Fine", verified="", text="the quincunx of zebras")
    bib = work("bib", "Merging is fine")
    for first, second in ((pdf, bib), (bib, pdf)):
        library = Library([first])
        assert [entry.key for entry in library.add([second])] == ["bib"]
        assert [entry.key for entry in library.search("quincunx")] == ["bib"]
        assert [entry.key for entry in library.search("fine", citable=False)] == ["bib"]
    together = Library([pdf, bib, work("other", "Another Work")])
    assert [entry.key for entry in together.search("zebras")] == ["bib"]


def test_another_work_under_a_key_that_is_taken_or_unprintable_gets_its_own():
    library = Library([work("a", "Merging Is Fine")])
    other, odd = library.add([work("a", "Quite Another"), work("x}}{{y", "A Third")])
    assert (other.key, odd.key) == ("a-2", "xy")
    assert "{a-2," in library.entry("a-2").bibtex


def test_what_cannot_be_cited_is_found_only_when_asked_for():
    library = Library([work("pdf", "Secret Merging Notes", verified="")])
    assert library.search("merging notes") == []
    assert [entry.key for entry in library.search("merging notes", citable=False)] == ["pdf"]


@pytest.mark.parametrize(
    ("invented", "near"),
    [
        ("Smith et al. 2024, Merging is all you need", "vaswani2017attention"),
        ("Ilharco 2023: Edit models by task arithmetics", "ilharco2023task"),
        ("yadav2024ties", "yadav2023ties"),
        ("Yang and Zhao (2024). Adaptive Merging for Multi-Task Learning", "yang2024adamerging"),
    ],
)
def test_an_invented_reference_gets_the_nearest_real_ones(invented, near):
    found = Library.embedded().nearest(invented)
    assert near in [entry.key for entry in found]
    assert len(found) == 5


def test_nothing_is_near_to_nothing():
    assert Library.embedded().nearest("?!") == []
