"""The command line, called as `hanji` calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import main
from agent.shelf import all_runs, find_run
from sandbox.errors import BadInput
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, HypothesisLine, PaperLine, RunLine, VerdictLine

HANJI = Path(sys.executable).parent / "hanji"
Answer = tuple[int, str, str]


@pytest.fixture
def hanji(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Answer]:
    """Exit code, stdout and stderr of a command, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["hanji", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def make_run(runs: Path, name: str, began: str, status: str = "published") -> Path:
    """A run's folder with a real ledger: one hypothesis, its verdict, and the paper."""
    folder = runs / name
    (folder / "paper").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"started_at": began}))
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append(RunLine(id="r", question="왜 합치나?", topic_digest="t", settings_digest="s"))
    if status == "stopped":
        return folder
    ledger.append(
        HypothesisLine(
            id="h1",
            family="composed",
            title="A merge composes",
            statement="s",
            rationale="r",
            prediction="p",
            refuted_by="f",
            round=1,
        )
    )
    ledger.append(
        ComparisonLine(
            id="c1",
            experiment="e1",
            hypothesis="h1",
            metric="accuracy",
            treatment="evolved",
            control="best parent",
            seeds=(0, 1),
            pairs=2,
            treatment_mean=0.5,
            control_mean=0.75,
            differences=(-0.25, -0.25),
            effect=-0.25,
            low=-0.25,
            high=-0.25,
            null_effect=0.0,
            predicted_effect=0.1,
            p_support=1.0,
            p_refute=0.25,
            evidence=(),
        )
    )
    ledger.append(
        VerdictLine(
            id="v1",
            hypothesis="h1",
            comparison="c1",
            ruling="refuted",
            p_support_holm=1.0,
            p_refute_holm=0.01,
            alpha=0.05,
            family_size=8,
            reason="",
        )
    )
    (folder / "paper" / "paper.html").write_text("<p>")
    ledger.append(PaperLine(id="p", status="published", files={}))
    return folder


def test_a_wrong_call_exits_with_two_and_one_sentence(hanji: Callable[..., Answer]) -> None:
    code, out, err = hanji("run", "missing.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("hanji: topic file missing.yaml does not exist\n")
    assert "hanji init" in err
    assert "Traceback" not in err
    assert hanji("nosuch")[0] == 2
    assert hanji("show")[0] == 2
    assert hanji("sandbox", "exec", "--memory", "lots", "--", "true")[0] == 2


@pytest.mark.parametrize("option", ["--model", "--base-url", "--replay"])
def test_an_option_that_the_mind_would_pass_over_is_refused(
    hanji: Callable[..., Answer], option: str, tmp_path: Path
) -> None:
    code, _, err = hanji("demo", option, str(tmp_path) if option == "--replay" else "http://a/v1")
    assert code == 2
    assert f"{option} is for a language model, and the mind is 'playbook'" in err
    assert "--mind language-model" in err


def test_an_empty_shelf_is_an_empty_array(hanji: Callable[..., Answer]) -> None:
    assert hanji("list", "--json") == (0, "[]\n", "")


def test_list_gives_for_every_run_what_run_ended_with(
    hanji: Callable[..., Answer], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs", "2026-01-02-b-0002", "2026-01-02T10:00:00")
    make_run(tmp_path / "runs", "2026-01-02-a-0001", "2026-01-02T11:00:00", "stopped")
    (tmp_path / "runs" / "not-a-run").mkdir()
    code, out, _ = hanji("list", "--json")
    first, second = json.loads(out)
    assert code == 0
    assert set(first) == {"run", "status", "paper", "verdicts", "wall_s", "spend"}
    assert (first["status"], second["status"]) == ("published", "stopped")
    assert first["verdicts"] == {"A merge composes": "refuted"}
    assert first["paper"].endswith("paper.html")
    assert second["paper"] is None
    assert "1 refuted" in hanji("list")[1]


def test_a_broken_ledger_is_listed_as_failed_with_its_problem(
    hanji: Callable[..., Answer], tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs", "2026-01-02-b-0002", "2026-01-02T10:00:00")
    ledger = run / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace("refuted", "supported"))
    (listed,) = json.loads(hanji("list", "--json")[1])
    assert listed["status"] == "failed"
    assert "does not match its digest" in listed["problem"]
    code, _, err = hanji("show", "last")
    assert code == 1
    assert "does not match its digest" in err


def test_show_tells_the_question_and_every_verdict(
    hanji: Callable[..., Answer], tmp_path: Path
) -> None:
    make_run(tmp_path / "runs", "2026-01-02-b-0002", "2026-01-02T10:00:00")
    _, out, _ = hanji("show", "0002")
    assert "왜 합치나?" in out
    assert "refuted" in out
    assert "-0.250 [-0.250, -0.250], 2 pairs" in out
    facts = json.loads(hanji("show", "last", "--hypotheses", "--json")[1])
    assert facts["hypotheses"][0]["title"] == "A merge composes"
    assert "trials" not in facts


def test_looking_at_a_run_changes_nothing_in_it(
    hanji: Callable[..., Answer], tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs", "2026-01-02-b-0002", "2026-01-02T10:00:00")
    with (run / "ledger.jsonl").open("a") as file:
        file.write('{"half a line of a run at w')
    before = (run / "ledger.jsonl").read_bytes()
    assert hanji("show")[0] == 0
    assert (run / "ledger.jsonl").read_bytes() == before


def test_a_run_goes_by_folder_id_part_of_it_or_last(tmp_path: Path) -> None:
    old = make_run(tmp_path, "2026-01-02-b-0002", "2026-01-02T10:00:00", "stopped")
    new = make_run(tmp_path, "2026-01-02-a-0001", "2026-01-02T11:00:00", "stopped")
    assert all_runs(tmp_path) == [old, new]
    names = {"last": new, "2026-01-02-b": old, "0001": new, str(old): old, "02-a-00": new}
    assert {name: find_run(name, tmp_path) for name in names} == names
    with pytest.raises(BadInput, match="fits 2 runs"):
        find_run("2026", tmp_path)
    with pytest.raises(BadInput, match="no run 'x'"):
        find_run("x", tmp_path)


def test_runs_go_home_where_the_folder_cannot_be_written(
    hanji: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "file").touch()
    monkeypatch.setenv("HANJI_RUNS", str(tmp_path / "file" / "runs"))
    make_run(tmp_path / "data" / "hanji" / "runs", "2026-01-02-b-0002", "2026-01-02T10:00:00")
    assert len(json.loads(hanji("list", "--json")[1])) == 1
    assert hanji("show", "last")[0] == 0
    assert json.loads(hanji("list", "--json", "--runs", str(tmp_path / "runs"))[1]) == []


def test_init_writes_a_topic_that_runs_and_overwrites_nothing(
    hanji: Callable[..., Answer], tmp_path: Path
) -> None:
    from agent.topic import read_topic

    code, out, _ = hanji("init", "mine.yaml")
    assert code == 0
    assert "hanji run mine.yaml" in out
    assert read_topic(tmp_path / "mine.yaml").question.endswith("?")
    code, _, err = hanji("init", "mine.yaml")
    assert code == 2
    assert "is there already" in err


def test_every_commented_line_of_the_template_is_a_valid_field(tmp_path: Path) -> None:
    import re

    import yaml

    from agent.template import TEMPLATE
    from agent.topic import Topic

    field = re.compile(r"# ( *(- )?[a-z_]+:( .*)?)$")
    prose = re.compile(r"# (exact_match|multiple_choice|title):|#   (exact|multiple)")

    def parsed(text: str) -> Topic:
        lines = text.splitlines()
        kept = [m[1] for line in lines if (m := field.match(line)) and not prose.match(line)]
        whole = "\n".join(["question: Does it hold at all?", *kept])
        return Topic.model_validate(yaml.safe_load(whole))

    before, architectures, after = re.split(
        r"# ---- (?:Architectures|How much).*\n", TEMPLATE.read_text()
    )
    other = parsed(architectures)
    assert (other.domain, other.profile) == ("architectures", "quick")
    topic = parsed(before + after)
    assert len(topic.models) == 2
    assert len(topic.tasks) == 3
    defaults = Topic(question="Does it hold at all?")
    for name in set(Topic.model_fields) - {"models", "tasks", "base", "methods", "literature"}:
        assert getattr(topic, name) == getattr(defaults, name), name


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_keeps_what_is_finished_and_says_how_to_resume(
    tmp_path: Path,
) -> None:
    topic = tmp_path / "topic.yaml"
    topic.write_text(
        "question: Does merging compose a skill?\nprofile: quick\nhypotheses: 1\n"
        "first: [component_roles]\n"
    )
    command = [str(HANJI), "run", str(topic), "--runs", str(tmp_path / "runs"), "--workers", "1"]
    environment = os.environ | {"HANJI_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("experiment"):
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Stopped before a result." in out
    (run,) = all_runs(tmp_path / "runs")
    assert f"hanji resume {run}" in out
