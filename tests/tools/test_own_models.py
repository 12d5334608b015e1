"""A person's own checkpoints and tasks."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from sandbox.errors import BadInput
from tests.tools.tiny_models import save
from tools.bench import Bench
from tools.merging.own_models import OwnModels
from tools.tasks.score import score
from tools.tasks.task import TaskView
from tools.tool import find_tool
from tools.trial import TrialResult


@dataclass(frozen=True)
class Model:
    path: str
    role: str
    label: str = ""
    kind: str = "parent"
    skilled_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    file: str
    name: str
    kind: str = "exact_match"
    label: str = ""
    description: str = ""
    answer_tokens: int = 0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("own")
    for seed, name in enumerate(("base", "x", "y")):
        save(root / name, "gpt_neox", seed)
    save(root / "deep", "gpt_neox", num_hidden_layers=3)
    save(root / "qwen", "qwen2")
    lines = [
        {"prompt": f"{a} {b} =", "answer": "yes" if a < b else "no no"}
        for a in "abcdefghij"
        for b in "abcdefghij"
        if a != b
    ]
    (root / "order.jsonl").write_text("\n".join(map(json.dumps, lines)))
    many = [{"prompt": p["prompt"], "choices": ["yes", "no"], "answer": 0} for p in lines[:45]]
    (root / "many.jsonl").write_text("\n".join(map(json.dumps, many)))
    (root / "few.jsonl").write_text("\n".join(map(json.dumps, lines[:5])))
    return root


def models(root: Path) -> list[Model]:
    return [
        Model(str(root / "x"), "x", label="Expert X", skilled_in=("many",)),
        Model(str(root / "y"), "y"),
    ]


def tasks(root: Path) -> list[Task]:
    return [Task(str(root / "order.jsonl"), "order"), Task(str(root / "many.jsonl"), "many")]


def test_own_models_become_a_subject_with_roles_tasks_and_groups(root: Path) -> None:
    subject = OwnModels(models(root), str(root / "base"), tasks(root))
    assert [(role.name, role.kind) for role in subject.roles] == [
        ("base", "base"),
        ("x", "parent"),
        ("y", "parent"),
    ]
    assert subject.roles[1].label == "Expert X"
    assert subject.roles[1].files == (root / "x").resolve()
    assert subject.primary == "order"
    assert subject.kept == ("many",)
    order, many = subject.cards
    assert (order.kind, order.answer_tokens, order.chance) == ("exact_match", 2, 0.5)
    assert (many.kind, many.chance) == ("multiple_choice", 0.5)
    assert subject.groups == (
        "layers.0.attention", "layers.0.mlp", "layers.1.attention", "layers.1.mlp", "rest",
    )  # fmt: skip


def test_pairs_are_disjoint_blocks_of_test_items_and_draws_of_dev_items(root: Path) -> None:
    subject = OwnModels(models(root), str(root / "base"), tasks(root))
    assert subject.most_seeds == 3
    blocks = [subject.items(seed)["order"] for seed in range(subject.most_seeds)]
    prompts = [item.prompt for block in blocks for item in block["test"]]
    assert len(prompts) == len(set(prompts)) == 60
    assert min(len(block["test"]) for block in blocks) >= 10
    assert not set(prompts) & {item.prompt for block in blocks for item in block["dev"]}
    assert blocks[0]["dev"] != blocks[1]["dev"]
    assert subject.items(1) == subject.items(1)
    assert subject.data_digest(0) != subject.data_digest(1)
    assert "these checkpoints" in subject.pairing


def test_every_seed_has_as_many_test_items_as_the_paper_says(root: Path) -> None:
    bare = [replace(model, skilled_in=()) for model in models(root)]
    subject = OwnModels(bare, str(root / "base"), [Task(str(root / "order.jsonl"), "order")])
    sizes = {len(subject.items(seed)["order"]["test"]) for seed in range(subject.most_seeds)}
    assert (subject.most_seeds, sizes) == (6, {10})
    uneven = replace_pool(subject, 65)
    assert {len(uneven.items(seed)["order"]["test"]) for seed in range(6)} == {10}
    assert subject.description.endswith("and 1 task of the user's own")


def replace_pool(subject: OwnModels, count: int) -> OwnModels:
    """The subject with so many test items, which its seeds cannot share out evenly."""
    pool = subject._pools["order"]
    more = tuple(replace(item, prompt=f"{item.prompt} again") for item in pool.test)
    subject._pools["order"] = replace(pool, test=(*pool.test, *more)[:count])
    return subject


def test_the_split_does_not_depend_on_the_order_of_the_file(root: Path, tmp_path: Path) -> None:
    lines = (root / "order.jsonl").read_text().splitlines()
    (tmp_path / "turned.jsonl").write_text("\n".join(reversed(lines)))
    bare = [replace(model, skilled_in=()) for model in models(root)]
    first = OwnModels(bare, "", [Task(str(root / "order.jsonl"), "t")])
    other = OwnModels(bare, "", [Task(str(tmp_path / "turned.jsonl"), "t")])
    assert first.data_digest(0) == other.data_digest(0)


def test_without_a_base_there_is_no_base_role(root: Path) -> None:
    subject = OwnModels(models(root), "", tasks(root))
    assert [role.name for role in subject.roles] == ["x", "y"]


def refusal(root: Path, **changes: object) -> str:
    given = {"models": models(root), "base": str(root / "base"), "tasks": tasks(root)} | changes
    with pytest.raises(BadInput) as caught:
        OwnModels(**given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value.what


def test_everything_that_does_not_fit_is_one_sentence_before_any_work(root: Path) -> None:
    x, y = models(root)
    order, many = tasks(root)
    assert "fewer than two parents" in refusal(root, models=[x])
    assert "role 'x' is named twice" in refusal(root, models=[x, replace(y, role="x")])
    assert "no such folder" in refusal(root, models=[x, replace(y, path="/no/such/model")])
    assert "no such folder" in refusal(root, base="/no/such/base")
    assert "layers.2" in refusal(root, models=[x, replace(y, path=str(root / "deep"))])
    assert "different architectures" in refusal(
        root, models=[x, replace(y, path=str(root / "qwen"))]
    )
    assert "skilled_in: no task 'sums'" in refusal(
        root, models=[x, replace(y, skilled_in=("sums",))]
    )
    assert "the role 'base' is taken" in refusal(root, models=[x, replace(y, role="base")])
    assert "tasks: there is none" in refusal(root, tasks=[])
    assert "task 'order' is named twice" in refusal(
        root, tasks=[order, replace(many, name="order")]
    )
    assert "no such task file" in refusal(root, tasks=[replace(order, file="/none.jsonl"), many])
    assert "5 items are too few" in refusal(
        root, tasks=[order, replace(many, file=str(root / "few.jsonl"))]
    )
    assert "have no choices" in refusal(root, tasks=[replace(order, kind="multiple_choice"), many])


def test_a_checkpoint_that_could_not_be_run_is_refused(root: Path, tmp_path: Path) -> None:
    x, y = models(root)
    folder = save(tmp_path / "z", "gpt_neox")
    config = json.loads((folder / "config.json").read_text())
    odd = [x, replace(y, path=str(folder))]
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {}}))
    assert "needs Python code of its own" in refusal(root, models=odd)
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    assert "no causal language model" in refusal(root, models=odd)
    (folder / "config.json").write_text(json.dumps(config))
    for file in folder.glob("token*"):
        file.unlink()
    assert "holds no tokenizer" in refusal(root, models=odd)


def test_checking_models_imports_no_torch(root: Path) -> None:
    program = (
        "import sys\n"
        "from types import SimpleNamespace as N\n"
        "from tools.merging.own_models import OwnModels\n"
        "from tools.merging.miniature import Miniature\n"
        "root = sys.argv[1]\n"
        "more = {'label': '', 'skilled_in': (), 'kind': 'parent'}\n"
        "models = [N(path=f'{root}/{r}', role=r, **more) for r in 'xy']\n"
        "more = {'label': '', 'description': '', 'kind': 'exact_match', 'answer_tokens': 0}\n"
        "task = N(file=f'{root}/order.jsonl', name='t', **more)\n"
        "OwnModels(models, f'{root}/base', [task]).items(0)\n"
        "Miniature('quick').items(0)\n"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules), 'heavy'\n"
    )
    subprocess.run([sys.executable, "-P", "-c", program, str(root)], check=True)


@pytest.mark.slow
def test_in_the_example_the_base_fails_each_expert_does_half_and_a_tuned_merge_more(
    tmp_path: Path,
) -> None:
    script = Path(__file__).parents[2] / "examples" / "own_models" / "make_models.py"
    subprocess.run([sys.executable, "-P", str(script), str(tmp_path)], check=True)
    topic = yaml.safe_load((tmp_path / "topic.yaml").read_text())
    subject = OwnModels(
        [Model(**m | {"path": str(tmp_path / m["path"])}) for m in topic["models"]],
        str(tmp_path / topic["base"]),
        [Task(**t | {"file": str(tmp_path / t["file"])}) for t in topic["tasks"]],
    )
    assert subject.most_seeds == 16
    items = subject.items(0)
    tasks = {card.name: TaskView.of(card, items[card.name]) for card in subject.cards}
    folders = {role.name: role.files for role in subject.roles if role.files}
    bench = Bench(0, folders, tasks, tmp_path / "work")

    def right(tool: str, **arguments: object) -> int:
        action = find_tool(tool)
        found = action.function(action.check(arguments), bench)  # type: ignore[arg-type]
        assert isinstance(found, TrialResult)
        return score(found.predictions["either"]["test"], items["either"]["test"])[0]

    count = len(items["either"]["test"])
    base, *parents = (right("evaluate", role=role) for role in ("base", "firsts", "lasts"))
    assert base < 0.1 * count
    assert all(0.3 * count < parent < 0.7 * count for parent in parents)
    roles = ("firsts", "lasts")
    assert right("search", task="either", roles=roles, evaluations=120) > max(parents)
