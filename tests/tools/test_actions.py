"""The actions that run inside trials, on tiny real checkpoints."""

from pathlib import Path

import pytest
import torch

from sandbox.errors import BadInput
from tests.tools.tiny_models import save
from tools.bench import Bench
from tools.merging.blend import Blend
from tools.merging.miniature import Miniature
from tools.tasks.answer import Speaker
from tools.tasks.score import score
from tools.tasks.task import Item, Question, TaskView
from tools.tool import find_tool
from tools.trial import TrialResult

DEV = tuple(Item(f"{a} =", "yes" if a in "abcd" else "no") for a in "abcdefgh")
TEST = tuple(Question(f"{a} {b} =") for a in "abcdefghij" for b in "abc")


@pytest.fixture(scope="module", params=["llama", "gpt_neox"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp(request.param)
    models = {
        name: save(root / name, request.param, seed) for seed, name in enumerate(("base", "a", "b"))
    }
    tasks = {name: TaskView(name, "exact_match", DEV, TEST) for name in ("t", "u")}
    return Bench(1, models, tasks, root / "work")


def call(bench: Bench, tool: str, **arguments: object) -> TrialResult:
    action = find_tool(tool)
    found = action.function(action.check(arguments), bench)  # type: ignore[arg-type]
    assert isinstance(found, TrialResult)
    return found


BOTH = ("a", "b")


def test_every_action_answers_every_item_of_every_task(bench: Bench) -> None:
    for found in (
        call(bench, "evaluate", role="a"),
        call(bench, "merge", roles=BOTH),
        call(bench, "search", task="t", roles=BOTH, evaluations=12),
        call(bench, "finetune", role="a", task="t", steps=2),
    ):
        sizes = {t: (len(s["dev"]), len(s["test"])) for t, s in found.predictions.items()}
        assert sizes == {"t": (8, 30), "u": (8, 30)}


def test_merging_with_the_whole_weight_on_one_parent_is_that_parent(bench: Bench) -> None:
    alone = call(bench, "evaluate", role="b").predictions
    whole = {"a": 0.0, "b": 1.0}
    assert call(bench, "merge", roles=BOTH, weights=whole).predictions == alone
    assert call(bench, "merge", roles=("b",)).predictions == alone
    linear = call(bench, "merge", roles=BOTH, method="linear", base="", weights=whole)
    assert linear.predictions == alone
    parts = {part: whole for part in ("attention", "mlp", "rest")}
    assert call(bench, "merge", roles=BOTH, components=parts).predictions == alone


def test_group_weights_go_before_component_weights_and_these_before_weights(bench: Bench) -> None:
    found = call(
        bench,
        "merge",
        roles=BOTH,
        weights={"a": 0.1},
        components={"mlp": {"a": 0.2}},
        groups={"layers.1.mlp": {"a": 0.3}},
    ).coefficients["a"]
    assert found == {
        "layers.0.attention": 0.1,
        "layers.0.mlp": 0.2,
        "layers.1.attention": 0.1,
        "layers.1.mlp": 0.3,
        "rest": 0.1,
    }


def test_more_layers_than_the_model_has_cannot_be_swapped(bench: Bench) -> None:
    with pytest.raises(BadInput, match="is more than the"):
        call(bench, "merge", roles=BOTH, swap={"role": "b", "layers": 99})


def test_swapping_every_layer_with_the_head_leaves_only_the_embeddings(bench: Bench) -> None:
    nothing = call(bench, "merge", roles=BOTH, swap={"role": "b", "layers": 0, "head": False})
    assert nothing.predictions == call(bench, "evaluate", role="a").predictions
    last = call(bench, "merge", roles=BOTH, swap={"role": "b", "layers": 1})
    assert last.coefficients["b"] == {
        "layers.0.attention": 0.0,
        "layers.0.mlp": 0.0,
        "layers.1.attention": 1.0,
        "layers.1.mlp": 1.0,
        "rest": 1.0,
    }
    assert last.predictions != nothing.predictions


def test_a_blend_in_memory_is_the_task_arithmetic_of_its_coefficients(bench: Bench) -> None:
    blend = Blend(bench.models["base"], {role: bench.models[role] for role in BOTH})
    values = {"a": dict.fromkeys(blend.groups, 0.4), "b": dict.fromkeys(blend.groups, -0.2)}
    for _ in range(2):
        blended = dict(blend.set(values).model.named_parameters())
    base, a, b = (
        dict(Speaker.load(bench.models[r]).model.named_parameters()) for r in ("base", *BOTH)
    )
    for name, tensor in blended.items():
        expected = base[name] + 0.4 * (a[name] - base[name]) - 0.2 * (b[name] - base[name])
        assert torch.allclose(tensor, expected, atol=1e-5)
    empty = dict(blend.set({}).model.named_parameters())
    assert all(torch.equal(empty[name], base[name]) for name in base)


def test_a_search_reports_its_history_and_the_weights_it_chose(bench: Bench) -> None:
    found = call(bench, "search", task="t", roles=BOTH, evaluations=40, keep=("u",))
    assert found.evaluations == len(found.search) == 40
    assert list(found.coefficients) == ["a", "b"]
    assert found.search[-1].best == max(point.fitness for point in found.search)
    grid = call(bench, "search", task="t", roles=BOTH, evaluations=40, strategy="grid")
    assert grid.evaluations == 36
    assert len(set(grid.coefficients["a"].values())) == 1


def test_fewer_dev_items_change_the_search_and_other_tasks_do_not(bench: Bench) -> None:
    whole = call(bench, "search", task="t", roles=BOTH, evaluations=12)
    few = call(bench, "search", task="t", roles=BOTH, evaluations=12, dev_items=2)
    assert whole.search[0].fitness != few.search[0].fitness


def test_fine_tuning_learns_its_dev_items(bench: Bench) -> None:
    found = call(bench, "finetune", role="a", task="t", steps=150, learning_rate=0.01)
    assert score(found.predictions["t"]["dev"], DEV) == (8, 8)
    assert found.steps == 150


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("merge", {"roles": BOTH, "method": "tise"}, "unknown merge method"),
        ("merge", {"roles": BOTH, "base": ""}, "needs a base"),
        ("merge", {"roles": BOTH, "weights": {"c": 1.0}}, "'c', which is not merged"),
        ("merge", {"roles": BOTH, "weights": {"a": 9.0}}, "within -4 and 4"),
        ("merge", {"roles": BOTH, "components": {"head": {"a": 1.0}}}, "unknown component 'head'"),
        ("merge", {"roles": BOTH, "groups": {"layers.9.mlp": {}}}, "unknown group 'layers.9.mlp'"),
        ("merge", {"roles": BOTH, "parameters": {"density": 0.5}}, "unknown parameter 'density'"),
        ("merge", {"roles": []}, "roles"),
        ("search", {"roles": BOTH, "task": "v"}, "unknown task 'v'"),
        ("search", {"roles": BOTH, "task": "t", "strategy": "luck"}, "strategy"),
        ("search", {"roles": BOTH, "task": "t", "evaluations": 1}, "evaluations"),
        ("finetune", {"role": "a", "task": "v"}, "unknown task 'v'"),
        ("train", {"role": "king"}, "unknown role 'king'"),
    ],
)
def test_a_wrong_call_gets_one_sentence(
    bench: Bench, tool: str, arguments: dict, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        call(bench, tool, **arguments)


def test_calls_say_which_checkpoints_they_read_and_what_they_stand_for() -> None:
    merge, search = find_tool("merge"), find_tool("search")
    uniform = {"method": "linear", "roles": ["a", "b"], "base": ""}
    assert merge.needs(uniform) == ("a", "b")
    assert merge.stands_for(uniform) == "uniform-average"
    assert merge.needs({"roles": ["a", "b"]}) == ("base", "a", "b")
    assert merge.needs({"roles": ["a", "b"], "swap": {"role": "b", "layers": 1}}) == ("a", "b")
    assert merge.stands_for({"roles": ["a", "b"]}) == ""
    assert search.stands_for({"roles": ["a"], "task": "t"}) == "evolution"
    assert find_tool("train").needs({"role": "skill", "start": "base"}) == ("base",)


@pytest.mark.slow
def test_quick_specialists_compose_when_they_are_merged(tmp_path: Path) -> None:
    """One seed of the quick profile, end to end: the evolved merge beats both parents by far."""
    subject = Miniature("quick")
    items = subject.items(0)
    tasks = {card.name: TaskView.of(card, items[card.name]) for card in subject.cards}
    models: dict[str, Path] = {}

    def accuracy(found: TrialResult) -> float:
        right, count = score(
            found.predictions[subject.primary]["test"], items[subject.primary]["test"]
        )
        return right / count

    reached = {}
    for role in subject.roles[:3]:
        bench = Bench(0, models, tasks, tmp_path / role.name)
        reached[role.name] = accuracy(call(bench, "train", **role.train))
        models[role.name] = tmp_path / role.name / "model"
    bench = Bench(0, models, tasks, tmp_path)
    asked = call(bench, "evaluate", role="skill")
    assert accuracy(asked) == reached["skill"]
    roles = ("skill", "language")
    evolved = call(bench, "search", task=subject.primary, roles=roles, evaluations=150)
    assert accuracy(evolved) > max(reached.values()) + 0.1
