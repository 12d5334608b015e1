"""Models of the transformers library taking part: caches, counts, training, refusals."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from sandbox.errors import BadInput, UnknownName
from tests.tools.architectures.small_recall import TASK, TINY
from tools import worker
from tools.architectures import decode
from tools.architectures.adapter import Adapter, built
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.counts import decodes, flops_per_token, parameters, state_size
from tools.architectures.family_recipes import RECIPES
from tools.architectures.foreign import TOO_SLOW, Candidate, Foreign
from tools.architectures.matching import Ruler, match
from tools.architectures.new_backbone import drawn
from tools.architectures.objective import find_objective
from tools.architectures.train import Course, train
from tools.tasks.asked import items_of
from tools.tasks.sequence import find_sequence_task
from tools.tasks.task import Question, TaskView
from tools.tasks.variation import varied
from tools.tool import find_tool
from tools.trial import TrialResult

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
VOCABULARY = 32
KINDS = TypeAdapter(Candidate)
OUR_NAMES = {
    "model.norm.weight": "norm.gain",
    "model.": "",
    "embed_tokens": "embedding",
    "self_attn.q_proj": "mixer.inner.block.query",
    "self_attn.k_proj": "mixer.inner.block.key",
    "self_attn.v_proj": "mixer.inner.block.value",
    "self_attn.o_proj": "mixer.inner.block.out",
    "mlp.": "channel.inner.",
    "_proj": "",
    "input_layernorm.weight": "mixer.before.gain",
    "post_attention_layernorm.weight": "channel.before.gain",
    "lm_head": "head",
}


def adapter(family: str, outputs: int = 0, **more) -> Adapter:
    foreign = Foreign(family=family, width=32, **more)
    return drawn(lambda: Adapter(foreign, VOCABULARY, outputs), 0).eval()


def same_as_llama(**more) -> Architecture:
    layer = {
        "mixer": {"block": "softmax_attention", "parameters": {"heads": 4}},
        "channel": {"block": "glu", "parameters": {"expansion": 2.0}},
    }
    return Architecture.model_validate({"width": 32, "layers": [layer, layer], **more})


@pytest.mark.parametrize("family", RECIPES)
def test_a_family_is_causal_and_its_cache_changes_nothing(family):
    model = adapter(family, depth=3)
    tokens = torch.randint(VOCABULARY, (2, 11), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = model(tokens)
        later = tokens.clone()
        later[:, 6:] = (later[:, 6:] + 1) % VOCABULARY
        assert torch.allclose(model(later)[:, :6], whole[:, :6], atol=1e-5)
    read, states = model.step(tokens[:, :5], model.start(2), torch.arange(5))
    rows = [read]
    for position in range(5, 11):
        row, states = model.step(tokens[:, position], states, position)
        rows.append(row[:, None])
    assert torch.allclose(torch.cat(rows, 1), whole, atol=1e-5)
    assert decodes(model)


@pytest.mark.parametrize("family", ["llama", "mamba2", "qwen3_moe"])
def test_weights_start_as_wide_as_those_of_linear_layers_unless_a_setting_says_otherwise(family):
    spread = (3 * 64) ** -0.5
    for given, std in (({}, spread), ({"initializer_range": 0.3}, 0.3)):
        model = Adapter(Foreign(family=family, width=64, settings=given), 2 * VOCABULARY)
        assert float(model.embedding.weight.detach().std()) == pytest.approx(std, rel=0.1)


@pytest.mark.parametrize("tied", [False, True])
def test_a_llama_has_the_parameters_and_operations_of_the_same_blocks(tied):
    llama, blocks = adapter("llama", tied=tied), Backbone(same_as_llama(tied=tied), VOCABULARY)
    assert parameters(llama) == parameters(blocks)
    assert flops_per_token(llama, 16) == flops_per_token(blocks, 16)
    assert state_size(llama, 8).floats == state_size(blocks, 8).floats


def test_a_llama_with_the_weights_of_the_same_blocks_says_the_same():
    llama, blocks = adapter("llama"), Backbone(same_as_llama(), VOCABULARY)
    weights = {}
    for name, weight in llama.inner.named_parameters():
        for theirs, ours in OUR_NAMES.items():
            name = name.replace(theirs, ours)
        weights[name] = 3 * weight.detach()
        weight.data.mul_(3)
    blocks.load_state_dict(weights)
    tokens = torch.randint(VOCABULARY, (2, 9))
    with torch.no_grad():
        assert torch.allclose(blocks(tokens), llama(tokens), atol=1e-5)


def test_the_state_is_counted_over_the_caches_tensors():
    model = adapter("llama")
    states = decode.read(model, torch.zeros(3, 7, dtype=torch.long)).states
    keys_and_values = 2 * 3 * 7 * 32 * 4
    assert decode.cache_bytes(states) == 2 * keys_and_values
    assert state_size(adapter("mamba2"), 4).floats == state_size(adapter("mamba2"), 9).floats


def test_a_prompt_is_read_in_one_pass_and_written_on_as_without_a_cache():
    model = adapter("llama")
    aim = find_objective("next_token").make()
    prompt = torch.randint(VOCABULARY, (2, 5))
    reading = aim.read(model, prompt)
    assert reading.passes == 1
    made = aim.write(model, reading, 4, torch.Generator(), decode.Sampling(0.0)).tokens
    text = prompt
    with torch.no_grad():
        for _ in range(4):
            text = torch.cat((text, model(text)[:, -1:].argmax(-1)), 1)
    assert made.equal(text)


def test_a_state_is_used_up_by_a_step():
    model = adapter("llama")
    token = torch.zeros(1, dtype=torch.long)
    states = model.start(1)
    model.step(token, states, 0)
    with pytest.raises(BadInput, match="used up"):
        model.step(token, states, 0)
    with pytest.raises(BadInput, match="asked for token 3"):
        model.step(token, model.start(1), 3)


@pytest.mark.parametrize("family", ["llama", "qwen3_moe"])
def test_a_family_trains_and_its_balance_loss_takes_part(family):
    model = adapter(family, outputs=VOCABULARY + 3)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trained = train(model, TASK.data("train", 0, TINY), Course(1e-3, steps=1, batch=8), 0)
    assert trained.ended == "budget"
    moved = [name for name, p in model.named_parameters() if not torch.equal(p, before[name])]
    assert len(moved) > len(before) / 2
    assert model(torch.zeros(1, 2, dtype=torch.long)).shape == (1, 2, VOCABULARY + 3)
    assert (model.auxiliary().item() > 0) == (family == "qwen3_moe")


def test_only_active_experts_count_as_operations():
    few, many = (adapter("qwen3_moe", settings={"num_experts": n}) for n in (4, 8))
    router = 2 * 2 * 32 * 4
    assert flops_per_token(many, 16) - flops_per_token(few, 16) == router


@pytest.mark.parametrize("family", sorted(TOO_SLOW))
def test_families_that_are_too_slow_are_refused_by_name(family):
    with pytest.raises(ValidationError, match=f"{family} takes over 10 s"):
        Foreign(family=family)
    with pytest.raises(BadInput, match=f"{family} takes over 10 s"):
        find_tool("train_architecture").check({"architecture": {"family": family}, "task": "mqar"})


def test_what_transformers_cannot_build_is_one_sentence():
    with pytest.raises(UnknownName, match="unknown family 'nothing'"):
        built(Foreign(family="nothing"), 8)
    with pytest.raises(BadInput, match="llama has no setting 'colour'"):
        built(Foreign(family="llama", settings={"colour": 3}), 8)
    with pytest.raises(BadInput, match="llama"):
        built(Foreign(family="llama", width=30), 8)
    with pytest.raises(BadInput, match="cannot share"):
        built(Foreign(family="llama", tied=True), 8, 9)


def test_a_family_without_a_cache_that_can_be_read_says_so():
    model = adapter("rwkv")
    assert not decodes(model)
    with pytest.raises(BadInput, match="keeps no cache"):
        model.start(1)


def test_a_candidate_is_of_the_kind_that_its_fields_say():
    assert isinstance(KINDS.validate_python({"family": "llama"}), Foreign)
    blocks = KINDS.validate_python(same_as_llama().model_dump(mode="json"))
    assert blocks == same_as_llama()
    with pytest.raises(ValidationError, match="layers"):
        KINDS.validate_python({"width": 8})


def test_blocks_are_matched_to_a_family():
    ruler = Ruler("parameters", VOCABULARY, 16)
    target = ruler.measure(Foreign(family="qwen3", width=32))
    matched = match(same_as_llama(), ruler, target)
    assert abs(matched.error) <= 0.05


CALL = {
    "architecture": {"family": "llama", "width": 16},
    "task": "mqar",
    "changes": {"length": 16, "vocabulary": 16, "pairs": 2, "train": 64, "dev": 8, "test": 8},
    "rates": [5e-3],
    "steps": 3,
    "batch": 16,
}


def trial(root: Path, **changes: object) -> TrialResult:
    arguments = CALL | changes
    name = str(arguments["task"])
    task = find_sequence_task(name)
    size = varied(task.sizes["quick"], arguments["changes"])  # type: ignore[arg-type]
    dev, test = (items_of(task.data(part, 1, size)) for part in ("dev", "test"))
    view = TaskView(name, "exact_match", dev, tuple(Question(item.prompt) for item in test))
    folder, work = root / "inputs", root / "work"
    (folder / "tasks").mkdir(parents=True)
    work.mkdir()
    (folder / "tasks" / f"{name}.json").write_text(json.dumps(asdict(view)))
    call = {"tool": "train_architecture", "arguments": arguments, "seed": 1, "tasks": [name]}
    (folder / "call.json").write_text(json.dumps(call))
    worker.main(folder, work)
    return TrialResult.model_validate_json((work / "result.json").read_bytes())


def test_a_family_is_trained_by_the_same_tool(tmp_path: Path):
    result = trial(tmp_path)
    assert len(result.predictions["mqar"]["test"]) == 8
    blocks = Backbone(same_as_llama().model_copy(update={"width": 16}), 16)
    assert result.measures["parameters"] == parameters(blocks)
    assert result.measures["state_floats"] == 2 * 2 * 16 * 16


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"match": {"quantity": "parameters", "target": 9000}}, "llama is not resized"),
        ({"objective": {"name": "multi_token"}}, "llama: models of transformers learn"),
        ({"task": "compression", "changes": {"train": 8, "dev": 8, "test": 8}}, "other than compr"),
    ],
)
def test_what_a_family_cannot_do_is_refused(tmp_path: Path, changes, words):
    with pytest.raises(BadInput, match=words):
        trial(tmp_path, **changes)
