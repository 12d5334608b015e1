"""The lab's memory: what earlier runs answered is recognised, cited, and costs nothing."""

import json
import shutil

import pytest

from agent.memory import Memory, remembered
from agent.minds.mind import ProposeRequest
from agent.minds.playbook.choose import candidates
from agent.minds.playbook.family import Setting, all_families, gates
from agent.minds.playbook.playbook import Playbook, idea_of, setting
from agent.topic import topic_from
from papers.review.memory import check_memory
from sandbox.errors import BadInput
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    HypothesisLine,
    MemoryLine,
    PaperLine,
    PlanLine,
    TrialLine,
    VerdictLine,
)
from tools.architectures.subject import ArchitectureSuite
from tools.experiment import Experiment, PairedTest
from tools.merging.miniature import Miniature
from tools.roster import roster

pytestmark = pytest.mark.slow

SUBJECT = Miniature("quick")
SEEDS = (42, 43)
AT = Setting(SUBJECT, 40, min(SEEDS))
FAMILIES = all_families("merging")
BUILT_IN = [name for name, family in FAMILIES.items() if family.think(AT) is not None]


def paired(idea):
    treatment, control = idea.sides(SUBJECT.primary)
    return PairedTest(
        metric=idea.metric, treatment=treatment, control=control, null_effect=idea.null_effect,
        predicted_effect=idea.predicted_effect, family_size=1,
    )  # fmt: skip


def line_of(id, family, idea):
    said = {"title": idea.title, "statement": idea.statement, "rationale": "r"}
    return HypothesisLine(
        id=id, family=family, prediction="p", refuted_by="f", round=1, **said
    )  # fmt: skip


def run_beside(runs, name, rulings, seeds=SEEDS, status="published"):
    """A run as its folder would be that asked these families and ruled so; nothing is trained."""
    folder = runs / name
    (folder / "plans").mkdir(parents=True)
    ledger = Ledger(folder / "ledger.jsonl")
    for family, ruling in rulings.items():
        idea = FAMILIES[family].think(AT)
        plan = Experiment(
            hypothesis=f"h-{family}", subject=SUBJECT.name, arms=idea.arms, seeds=seeds,
            test=paired(idea),
        )  # fmt: skip
        ledger.append(line_of(plan.hypothesis, family, idea))
        file = f"plans/{plan.id}.json"
        (folder / file).write_text(json.dumps(plan.model_dump(mode="json")))
        ledger.append(
            PlanLine(
                id=plan.id, hypothesis=plan.hypothesis, plan_digest=plan.digest, file=file, round=1
            )
        )
        for planned in roster([plan], SUBJECT):
            conduct(folder, ledger, planned.spec)
        ledger.append(compared(plan))
        ledger.append(ruled(plan, ruling))
    if status:
        ledger.append(PaperLine(id="paper", status=status, files={}))
    return folder


def conduct(folder, ledger, spec):
    home = folder / "trials" / spec.id
    home.mkdir(parents=True, exist_ok=True)
    (home / "job.json").write_text(spec.model_dump_json())
    ledger.append(
        TrialLine(
            id=spec.id,
            tool=spec.tool,
            arm="any",
            arguments=spec.arguments,
            seed=spec.seed,
            status="ok",
            wall_s=1.0,
            cpu_s=1.0,
            memory_peak_bytes=1,
            isolation="process",
            code_digest=spec.code_digest,
            data_digest=spec.data_digest,
        )
    )


def compared(plan):
    return ComparisonLine(
        id=f"c-{plan.hypothesis}", experiment=plan.id, hypothesis=plan.hypothesis,
        metric=plan.test.metric, treatment="t", control="c", seeds=plan.seeds,
        pairs=len(plan.seeds), treatment_mean=0.9, control_mean=0.1, differences=(0.8, 0.8),
        effect=0.8, low=0.7, high=0.9, null_effect=0.0, predicted_effect=0.1, p_support=0.01,
        p_refute=1.0, evidence=(),
    )  # fmt: skip


def ruled(plan, ruling):
    return VerdictLine(
        id=f"v-{plan.hypothesis}", hypothesis=plan.hypothesis, comparison=f"c-{plan.hypothesis}",
        ruling=ruling, p_support_holm=0.01, p_refute_holm=1.0, alpha=0.05, family_size=8,
        reason="r",
    )  # fmt: skip


def memory_beside(runs, ledger, subject=SUBJECT, **how):
    answers, left_out = remembered(runs, "now")
    return Memory(subject, ledger, answers, left_out=left_out, **how)


def asked(memory, fresh=(90, 91), seeds=SEEDS):
    """What the built-in mind proposes with this memory, when it could ask everything."""
    return ProposeRequest(
        question="What can a merge do?", subject=SUBJECT, round=1, room=99, afford_cpu_s=1e9,
        price=lambda arms, seeds: 10.0 * len(arms) * len(seeds), known=(), seeds=seeds,
        fresh=fresh, evaluations=40, seed=0, recall=memory.recall, remembered=memory.told,
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    now = tmp_path / "runs" / "now"
    now.mkdir(parents=True)
    return Ledger(now / "ledger.jsonl")


@pytest.fixture
def runs(tmp_path, ledger):
    return tmp_path / "runs"


def recall(memory, family):
    idea = FAMILIES[family].think(AT)
    return memory.recall(idea.arms, paired(idea))


def test_what_was_chosen_once_is_cited_and_not_chosen_again(runs, ledger):
    first = Playbook().propose(asked(memory_beside(runs, ledger)))
    families = [proposal.family for proposal in first.hypotheses]
    assert len(families) == 5
    assert ledger.lines(MemoryLine) == []
    run_beside(runs, "2026-01-01-earlier-0001", dict.fromkeys(families, "refuted"))
    request = asked(memory_beside(runs, ledger), fresh=())
    again = Playbook().propose(request)
    assert not {p.family for p in again.hypotheses if not p.relation} & set(families)
    assert not {n for n in again.weights if "/" not in n} & set(families)
    cited = ledger.lines(MemoryLine)
    assert {line.family for line in cited} == set(families)
    assert {line.ruling for line in cited} == {"refuted"}
    Playbook().propose(request)
    assert ledger.lines(MemoryLine) == cited


def test_an_answer_is_replicated_on_fresh_seeds_alone(runs, ledger):
    run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    memory = memory_beside(runs, ledger)
    mine = {c for c in Playbook().propose(asked(memory)).weights if c.startswith("layer_swap")}
    assert "layer_swap/replicate" in mine
    assert "layer_swap" not in mine
    seen = Playbook().propose(asked(memory, fresh=SEEDS)).weights
    assert "layer_swap/replicate" not in seen


def test_what_follows_an_earlier_answer_names_it_as_its_parent(runs, ledger):
    run_beside(runs, "2026-01-01-earlier-0001", dict.fromkeys(BUILT_IN, "supported"))
    request = asked(memory_beside(runs, ledger))
    found = Playbook().propose(request).hypotheses
    [one, *_] = found
    assert one.relation
    assert ledger.find(MemoryLine, one.parent).family == one.family
    line = HypothesisLine(id="x", round=1, **one.model_dump(exclude={"contrast"}))
    assert idea_of(line, setting(request)).title == one.title


def test_with_repeat_it_is_cited_and_asked_again(runs, ledger):
    run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    memory = memory_beside(runs, ledger, repeat=True)
    assert "layer_swap" in Playbook().propose(asked(memory)).weights
    assert [line.family for line in ledger.lines(MemoryLine)] == ["layer_swap"]


def test_an_undecided_question_an_unpublished_run_and_two_that_disagree_answer_nothing(
    runs, ledger
):
    run_beside(runs, "2026-01-01-undecided-0001", {"label_free": "inconclusive"})
    run_beside(runs, "2026-01-02-unfinished-0002", {"interference": "supported"}, status="")
    run_beside(runs, "2026-01-03-failed-0003", {"transfer": "supported"}, status="failed-review")
    run_beside(runs, "2026-01-04-yes-0004", {"layer_swap": "supported"})
    run_beside(runs, "2026-01-05-no-0005", {"layer_swap": "refuted"})
    memory = memory_beside(runs, ledger)
    for family in ("label_free", "interference", "transfer", "layer_swap"):
        assert recall(memory, family) is None
    assert ledger.lines(MemoryLine) == []


def test_a_run_whose_chain_is_broken_is_left_out_and_told(runs, ledger):
    folder = run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    file = folder / "ledger.jsonl"
    file.write_text(file.read_text().replace('"supported"', '"refuted"', 1))
    memory = memory_beside(runs, ledger)
    assert recall(memory, "layer_swap") is None
    assert "2026-01-01-earlier-0001 is not remembered" in memory.left_out[0]


def test_another_profile_and_other_items_are_other_questions(runs, ledger):
    run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    standard = memory_beside(runs, ledger, subject=Miniature("standard"))
    assert recall(standard, "layer_swap") is None
    assert recall(memory_beside(runs, ledger), "layer_swap") is not None


def test_a_spec_that_was_changed_afterwards_is_not_recognised(runs, ledger):
    folder = run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    for job in (folder / "trials").glob("*/job.json"):
        job.write_text(job.read_text().replace('"layers":1', '"layers":2'))
    assert recall(memory_beside(runs, ledger), "layer_swap") is None


def test_a_title_is_not_a_question(runs, ledger):
    run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    idea = FAMILIES["layer_swap"].think(AT)
    deeper = idea.treatment[0].model_copy(
        update={
            "arguments": {**idea.treatment[0].arguments, "swap": {"role": "skill", "layers": 2}}
        }
    )
    arms = (deeper, *idea.arms[1:])
    memory = memory_beside(runs, ledger)
    assert memory.recall(arms, paired(idea)) is None
    renamed = tuple(arm.model_copy(update={"label": "Otherwise"}) for arm in idea.arms)
    assert memory.recall(renamed, paired(idea)) is not None


def test_a_citation_is_checked_against_the_run_that_it_names(runs, ledger):
    folder = run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    recall(memory_beside(runs, ledger), "layer_swap")
    now = runs / "now"
    assert check_memory(now, ledger) == type(check_memory(now, ledger))([], [])
    [line] = ledger.lines(MemoryLine)
    told = Ledger(runs / "other.jsonl")
    told.append(line.model_copy(update={"ruling": "refuted"}))
    assert "it is cited as refuted" in check_memory(now, told).wrong[0]
    grown = Ledger(folder / "ledger.jsonl")
    grown.append(PaperLine(id="later", status="published", files={}))
    assert check_memory(now, ledger).wrong == []
    shutil.rmtree(folder)
    away = check_memory(now, ledger)
    assert away.wrong == []
    assert "2026-01-01-earlier-0001 is not beside this one" in away.unchecked[0]


def test_a_ledger_that_was_written_anew_is_not_the_one_that_was_read(runs, ledger):
    folder = run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    recall(memory_beside(runs, ledger), "layer_swap")
    shutil.rmtree(folder)
    run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"}, seeds=(44, 45))
    assert "is not the published one that was read" in check_memory(runs / "now", ledger).wrong[0]


def test_another_version_of_the_code_is_recognised_and_said(runs, ledger, monkeypatch):
    run_beside(runs, "2026-01-01-earlier-0001", {"layer_swap": "supported"})
    same = memory_beside(runs, ledger).told[0]
    monkeypatch.setattr("agent.memory.code_digest", lambda: "0" * 64)
    other = memory_beside(runs, ledger).told[0]
    assert (same.same_code, other.same_code) == (True, False)


def test_memory_is_off_unless_the_topic_asks_for_it(tmp_path):
    question = {"question": "What can a merge of two specialists do?", "domain": "merging"}
    topic = topic_from(question, tmp_path, "t.yaml")
    assert (topic.memory, topic.repeat) == (False, False)
    with pytest.raises(BadInput, match="memory is off"):
        topic_from({**question, "repeat": True}, tmp_path, "t.yaml")


def test_a_gate_is_reproduced_by_every_run():
    at = Setting(ArchitectureSuite("quick"), 40)

    def all_answered(arms, test):
        raise AssertionError("a part of the gate was looked up")

    open_ = candidates(at, (), lambda arms, seeds: 1.0, SEEDS, (), all_answered)
    assert {c.family for c in open_} == set(gates("architectures"))
