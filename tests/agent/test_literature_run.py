"""A run takes the person's literature along, and says which sources it did not search."""

import json
import shutil
from types import SimpleNamespace

import pytest

from agent.literature import keep_literature, library_of, literature_facts, record_nearest
from agent.run import begin
from agent.settings import Settings
from agent.topic import Topic, topic_from
from papers.review.seals import broken_seals
from sandbox.errors import BadInput, CannotResume
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine, NoveltyLine
from tests.tools.test_literature_arxiv import served
from tools.literature.own import read_brought

BIB = """@article{kim2025soup,
  title = {Soups of Hanok Models}, author = {Kim, Min-ji}, year = {2025},
  journal = {Journal of Soups}
}
"""
QUESTION = "Does merging our owls and falcons keep both?"


def begun(tmp_path, **fields):
    """A run's folder with what `begin` keeps, its topic, and its facts; the sources are gone."""
    given, run = tmp_path / "given", tmp_path / "run"
    given.mkdir()
    run.mkdir(exist_ok=True)
    (given / "own.bib").write_text(BIB)
    topic = topic_from(
        {"question": QUESTION, "domain": "merging", "literature": ["given"], **fields},
        tmp_path,
        "topic",
    )
    brought = read_brought(topic.literature)
    kept = keep_literature(brought, topic, run)
    facts = {"id": "run", "literature": literature_facts(brought, kept, run)}
    shutil.rmtree(given)
    return run, kept, facts


def hypothesis() -> HypothesisLine:
    return HypothesisLine(
        id="h1",
        family="own",
        title="Soups keep both",
        statement="Averaging hanok models in soups keeps both skills.",
        rationale="r",
        prediction="p",
        refuted_by="q",
        round=1,
    )


@pytest.mark.parametrize("domain", ["merging", "architectures"])
def test_a_missing_file_is_refused_before_there_is_a_run(tmp_path, domain):
    body = {"question": QUESTION, "domain": domain, "literature": ["nowhere.bib"]}
    topic = topic_from(body, tmp_path, "topic")
    with pytest.raises(BadInput, match=r"nowhere\.bib does not exist"):
        begin(topic, Settings(runs=tmp_path / "runs", sandbox="process"))
    assert not (tmp_path / "runs").exists()


def test_own_works_are_in_the_run_when_their_files_are_gone(tmp_path):
    run, topic, facts = begun(tmp_path)
    library = library_of(run, topic, Settings(), facts)
    assert library.entry("kim2025soup").citable
    assert library.search("hanok")[0].key == "kim2025soup"
    assert facts["literature"]["files"] == ["own.bib"]
    assert facts["literature"]["citable"] == 1
    again = replace_paths(topic, run)
    assert [entry.key for entry in read_brought(again.literature).entries] == ["kim2025soup"]


def replace_paths(topic: Topic, run) -> Topic:
    """The run's own copy of the topic, read again: what `hanji run RUN/topic.yaml` does."""
    return topic_from(topic.model_dump(mode="json"), run, "topic.yaml")


def test_works_altered_within_the_run_are_noticed(tmp_path):
    run, topic, facts = begun(tmp_path)
    works = run / "literature" / "works.json"
    works.write_text(works.read_text().replace("Hanok", "Palace"))
    with pytest.raises(CannotResume, match=r"works\.json is not the file"):
        library_of(run, topic, Settings(), facts)
    (run / "run.json").write_text(json.dumps(facts))
    broken = list(broken_seals(run, Ledger(run / "ledger.jsonl")))
    assert any("works.json" in said for said in broken)


def test_without_the_networks_leave_arxiv_is_unchecked_and_not_asked(tmp_path):
    run, topic, facts = begun(tmp_path)
    with served() as (server, url):
        settings = Settings(cache=tmp_path / "cache", arxiv=url)
        looked = library_of(run, topic, settings, facts).look("owls")
        assert server.asked == []
    assert looked.unchecked == ("arXiv: the topic allows no network",)
    assert looked.searched == ("the embedded library", "the person's own files")


def test_what_arxiv_found_stays_citable_when_the_network_is_gone(tmp_path):
    run, topic, facts = begun(tmp_path, network=True)
    with served() as (_, url):
        settings = Settings(cache=tmp_path / "cache", arxiv=url)
        library_of(run, topic, settings, facts).look("nocturnal owls")
    shutil.rmtree(tmp_path / "cache")
    later = library_of(run, topic, settings, facts)
    assert later.entry("byron2025merging").citable
    assert "arXiv" in later.look("nocturnal owls").searched
    assert later.look("something else").unchecked[0].startswith("arXiv: it could not be reached")


def test_the_nearest_works_of_a_hypothesis_are_recorded_once(tmp_path):
    run, topic, facts = begun(tmp_path)
    lab = SimpleNamespace(
        ledger=Ledger(run / "ledger.jsonl"), library=library_of(run, topic, Settings(), facts)
    )
    record_nearest(lab, [hypothesis()])
    record_nearest(lab, [hypothesis()])
    (line,) = lab.ledger.lines(NoveltyLine)
    assert line.works[0].key == "kim2025soup"
    assert {"soups", "hanok"} <= set(line.works[0].shared)
    assert line.unchecked == ("arXiv: the topic allows no network",)
