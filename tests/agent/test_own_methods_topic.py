"""A topic's own merge methods: checked before any work, asked about, run, and told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agent.minds.playbook.family import Setting, find_family
from agent.own_code import FAMILIES as OF_KINDS
from agent.topic import read_topic, settled, subject_of, topic_from
from papers.verify import verify
from sandbox.errors import BadInput, PlanRefused
from sandbox.ledger import Ledger
from sandbox.records import DeviationLine, HypothesisLine, TrialLine, VerdictLine
from tests.agent.family_checks import check_meaning, check_names, check_prose, frozen, line_of
from tests.agent.whole_run import asked_run
from tests.tools.test_own_methods import EXAMPLE, written
from tools.freeze import freeze
from tools.own_code import brought_code, named_code
from tools.tool import find_tool

FAMILIES = OF_KINDS["merge_method"]
TOPIC = EXAMPLE.parent / "topic.yaml"
QUESTION = {"question": "Is it any good?", "domain": "merging", "profile": "quick"}


def setting_of(folder: Path, *names: str) -> Setting:
    return Setting(subject_of(topic_from({**QUESTION, "methods": names}, folder, "t")), 40)


def test_the_example_asks_about_its_method_first():
    topic = read_topic(TOPIC)
    assert topic.methods == (str(EXAMPLE),)
    assert topic.first == ("own_method",)
    assert list(brought_code(subject_of(topic))) == ["consensus"]
    assert topic_from({"question": "Does it merge?"}, Path(), "t").first == ("composition",)


def test_where_methods_run_the_seed_does_not_tell_the_test_items():
    topic = settled(read_topic(TOPIC))
    assert len(topic.secret) == 32
    plain = topic_from({"question": "Does it merge?"}, Path(), "t")
    assert settled(plain).secret == ""
    assert len(settled(plain, writes=True).secret) == 32
    shown = [subject_of(t).items(11)["largest.ko"]["test"] for t in (topic, settled(topic))]
    assert shown[0] == shown[1]
    drawn = subject_of(topic.model_copy(update={"secret": ""})).items(11)["largest.ko"]["test"]
    assert not {item.prompt for item in drawn} & {item.prompt for item in shown[0]}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("gone.py",), r"gone\.py does not exist"),
        (("text.py",), "text.py defines no @merge_method"),
        (("half.py",), "'half' has a number in it"),
        (("a.py", "same.py"), r"same\.py and a\.py both declare 'a'"),
    ],
)
def test_a_wrong_file_is_answered_in_one_sentence_before_any_work(tmp_path, names, says):
    (tmp_path / "text.py").write_text("pass\n", encoding="utf-8")
    for name in ("a", "half"):
        written(tmp_path, name, "return parents.models[0]")
    (tmp_path / "same.py").write_bytes((tmp_path / "a.py").read_bytes())
    with pytest.raises(BadInput, match=says):
        setting_of(tmp_path, *names)


def test_methods_are_for_merging_and_not_more_than_there_are_families(tmp_path):
    architectures = {**QUESTION, "domain": "architectures", "methods": ["a.py"]}
    with pytest.raises(BadInput, match="methods is for domain: merging"):
        topic_from(architectures, tmp_path, "t")
    many = [f"{n}.py" for n in range(len(FAMILIES) + 1)]
    with pytest.raises(BadInput, match="methods"):
        topic_from({**QUESTION, "methods": many}, tmp_path, "t")


def test_a_family_is_of_each_method_and_compares_it_tuned_alike(tmp_path):
    written(tmp_path, "calm", "return parents.models[0]", ", most_models=2")
    shutil.copy(EXAMPLE, tmp_path)
    at = setting_of(tmp_path, "consensus.py", "calm.py")
    found = [find_family(name).think(at) for name in FAMILIES]
    assert found[2:] == [None, None]
    assert all(find_family(name).think(setting_of(tmp_path)) is None for name in FAMILIES)
    for own, idea in zip(brought_code(at.subject).values(), found, strict=False):
        check_prose(idea)
        [arm], [control] = idea.treatment, idea.control
        assert find_tool(arm.tool).code(arm.arguments) == (named_code(own),)
        call, other = (find_tool(a.tool).normal(a.arguments) for a in (arm, control))
        same = call.keys() - {"method", "own_methods"}
        assert {k: call[k] for k in same} == {k: other[k] for k in same}
    check_names(arm for idea in found[:2] for arm in idea.arms)
    for name in FAMILIES:
        check_meaning(name, FAMILIES)
    line = line_of(found[0], "own_method")
    _, [plan] = frozen([line], at.subject, tmp_path / "run")
    other = Ledger(tmp_path / "other.jsonl")
    other.append(line)
    with pytest.raises(PlanRefused, match="'consensus' that the run does not have"):
        freeze(plan, setting_of(tmp_path).subject, other, tmp_path / "other")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """With one method that is lawful and one that is not; hardly searched."""
    home = tmp_path_factory.mktemp("night")
    shutil.copy(EXAMPLE, home)
    written(home, "leading", "return parents.models[0]")
    body = {
        **QUESTION,
        "hypotheses": 2,
        "alpha": 0.45,
        "seeds": 3,
        "evaluations": 10,
        "budget": {"wall": "10m"},
        "methods": ["consensus.py", "leading.py"],
    }
    return asked_run(home, body, FAMILIES[:2])


@pytest.mark.full
def test_the_lawful_method_is_searched_and_the_other_never_runs(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    assert len(ledger.lines(HypothesisLine)) == 2
    trials = [line for line in ledger.lines(TrialLine) if line.tool == "search"]
    assert {line.arm for line in trials} == {"own-consensus", "grid"}
    assert [line.reason for line in ledger.lines(TrialLine) if line.status != "ok"] == []
    jobs = [json.loads(path.read_text()) for path in run.run.glob("trials/*/job.json")]
    ran = {(job["tool"], name) for job in jobs for name in job["files"]}
    assert ran == {
        ("check_merge_method", "methods/consensus.py"),
        ("check_merge_method", "methods/leading.py"),
        ("search", "methods/consensus.py"),
    }
    [deviation] = ledger.lines(DeviationLine)
    assert "leading breaks a law of merging: order" in deviation.why
    families = {line.id: line.family for line in ledger.lines(HypothesisLine)}
    verdicts = {families[line.hypothesis]: line for line in ledger.lines(VerdictLine)}
    assert verdicts["own_method"].comparison
    assert verdicts["own_method_second"].comparison == ""


@pytest.mark.full
def test_the_paper_says_which_code_ran_and_the_run_is_verified_with_it(run, tmp_path):
    page = (run.run / "SUMMARY.md").read_text(encoding="utf-8")
    assert run.status == "published", page
    paper = (run.run / "paper" / "paper.html").read_text(encoding="utf-8")
    facts = json.loads((run.run / "run.json").read_text(encoding="utf-8"))
    assert [fact["name"] for fact in facts["methods"]] == ["consensus", "leading"]
    assert facts["methods"][0]["digest_in_words"] in paper
    assert "overfull" not in page
    assert verify(run.run).ok, verify(run.run).places
    copy = tmp_path / run.run.name
    shutil.copytree(run.run, copy)
    method = copy / "methods" / "consensus.py"
    method.write_text(method.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "methods/consensus.py is not the file that the ledger sealed" in verify(copy).places
