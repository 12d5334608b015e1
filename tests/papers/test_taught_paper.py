"""A run with teachers, world models and up-scaling becomes a paper that passes its review."""

import pytest

from agent.minds.playbook.family import Setting, find_family
from agent.minds.playbook.writing import write_prose
from agent.press import reference_of
from papers.draft import draft
from papers.review.finding import Case
from papers.review.panel import review
from tests.papers import sample_architecture_run as sample
from tools.architectures.subject import TASKS, ArchitectureSuite
from tools.literature.library import Library

ASKED = (
    "depth_upscaling",
    "multi_token",
    "latent_rollout",
    "distillation",
    "distilled_experts",
    "distilled_experts_total",
)
ALL_TASKS = (*TASKS, "life_rollout", "domains")
AT = Setting(ArchitectureSuite("quick", ALL_TASKS), 40)
MEASURES = sample._measures


def measures(made, seed):
    """Distilled students have teachers."""
    found = dict(MEASURES(made, seed))
    if made.arm.tool == "distil_architecture":
        cost = {"teacher_training_s": 3.0 + 0.1 * seed, "teacher_training_flops": 2.5e10}
        found |= {**cost, "teachers": 3, "teacher_dev_accuracy": 0.9}
    return found


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The sample run with these families in place of its own; nothing is trained."""
    ideas = [(name, find_family(name).think(AT)) for name in ASKED]
    arms = {arm.name: arm for _, idea in ideas for arm in idea.arms}
    made = {
        arm.name: sample.Made(arm, 0.80 + 0.01 * place, 0.005, 9_000 + place, 0, 900_000)
        for place, arm in enumerate(arms.values())
    }
    asked = [
        (name, i.title, i.treatment[0].name, i.control[0].name, i.null_effect, i.predicted_effect)
        for name, i in ideas
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "ARMS", made)
        patch.setattr(sample, "HYPOTHESES", [(*row, "", "") for row in asked])
        patch.setattr(sample, "SEEDS", tuple(range(9)))
        patch.setattr(sample, "ArchitectureSuite", lambda s: ArchitectureSuite(s, ALL_TASKS))
        patch.setattr(sample, "_measures", measures)
        folder = tmp_path_factory.mktemp("taught") / "run"
        ledger, facts, plans = sample.sample_architecture_run(folder)
    manuscript = draft(write_prose(ledger, facts, plans), ledger, facts, plans)
    library = Library.embedded()
    works = [reference_of(library.entry(key)) for key in manuscript.bibliography]
    return Case(manuscript, ledger, facts, plans, works)


def told(paper: Case, label: str) -> str:
    section = next(s for s in paper.manuscript.sections if s.label == label)
    return " ".join(
        paper.shown(getattr(block, "text", "") or " ".join(getattr(block, "items", ())))
        for block in section.blocks
    )


@pytest.mark.slow
def test_the_review_finds_nothing(paper: Case):
    found = review(paper)
    assert [f for f in found.findings if f.severity in ("blocking", "major")] == []


@pytest.mark.slow
def test_the_method_tells_how_arms_were_taught_and_what_teachers_cost(paper: Case):
    method = told(paper, "sec:method")
    for words in (
        "An up-scaled arm trains a shallow model first",
        "where the task has domains, each has a teacher",
        "A world model encodes the cells of a state",
        "divergence from the teacher's softened distribution",
        "cross-entropy of the next state's cells, of the present state's cells",
        "answers further ahead",
        "A mixture of experts sends each position",
        "The teachers' training comes on top of that",
        "3.4\N{NO-BREAK SPACE}s, then 20\N{NO-BREAK SPACE}s for",
    ):
        assert words in method, words
    cited = {"hinton2015distilling", "kim2024solar", "ha2018world", "deepseek2024v3"}
    assert cited <= set(paper.manuscript.bibliography)
