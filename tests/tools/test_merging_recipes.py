"""Recipes: mergekit's YAML, carried out tensor by tensor."""

from pathlib import Path

import pytest
import torch

from sandbox.errors import BadInput
from tests.tools.tiny_models import save, tiny
from tools.merging.checkpoint import (
    check_alike,
    find_checkpoint,
    group_of,
    groups_of,
    open_checkpoint,
)
from tools.merging.merge import merge
from tools.merging.recipe import parse_recipe, read_recipe, value_at


def recipe(**changes: object) -> dict:
    return {
        "models": [
            {"model": "a", "parameters": {"weight": 1.0}},
            {"model": "b", "parameters": {"weight": 3.0}},
        ],
        "merge_method": "linear",
    } | changes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("base", "a", "b")):
        save(root / name, seed=seed)
    save(root / "half", seed=5, dtype="bfloat16")
    save(root / "wide", hidden_size=24)
    save(root / "neox", "gpt_neox")
    return root


def state(path: Path) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path, dtype="auto").state_dict()


def test_a_linear_recipe_writes_a_checkpoint_that_transformers_opens(
    folder: Path, tmp_path: Path
) -> None:
    done = merge(parse_recipe(recipe()), tmp_path / "out", near=folder)
    a, b, out = state(folder / "a"), state(folder / "b"), state(tmp_path / "out")
    assert done.tensors == len(open_checkpoint(folder / "a").tensors)
    for name in out:
        assert torch.allclose(out[name], (a[name] + 3 * b[name]) / 4, atol=1e-6)
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(tmp_path / "out")("a =")["input_ids"] == [3, 13]


def test_a_merge_keeps_the_type_of_its_models_or_writes_the_one_asked_for(
    folder: Path, tmp_path: Path
) -> None:
    twice = [{"model": "half"}, {"model": "half"}]
    merge(parse_recipe(recipe(models=twice)), tmp_path / "same", near=folder)
    first, second = state(folder / "half"), state(tmp_path / "same")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert second["lm_head.weight"].dtype == torch.bfloat16
    merge(parse_recipe(recipe(dtype="float16")), tmp_path / "f16", near=folder)
    assert state(tmp_path / "f16")["lm_head.weight"].dtype == torch.float16


def test_shards_and_their_index_are_written_when_a_model_is_large(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.merging.merge.SHARD_BYTES", 4096)
    merge(parse_recipe(recipe()), tmp_path / "out", near=folder)
    assert len(list((tmp_path / "out").glob("model-*-of-*.safetensors"))) > 1
    a, b, out = state(folder / "a"), state(folder / "b"), state(tmp_path / "out")
    assert all(torch.allclose(out[n], (a[n] + 3 * b[n]) / 4, atol=1e-6) for n in out)


@pytest.mark.parametrize("method", ["task_arithmetic", "ties", "dare_ties"])
def test_task_vector_recipes_read_their_base_and_parameters(
    folder: Path, tmp_path: Path, method: str
) -> None:
    given = recipe(merge_method=method, base_model="base", parameters={"lambda": 0.0})
    merge(parse_recipe(given), tmp_path / "out", near=folder)
    base, out = state(folder / "base"), state(tmp_path / "out")
    assert all(torch.allclose(out[name], base[name]) for name in out)


def test_gradients_run_over_the_layers_and_filters_choose_tensors() -> None:
    assert [value_at([0.0, 1.0], "x", place) for place in (0.0, 0.25, 1.0)] == [0.0, 0.25, 1.0]
    given = recipe(
        models=[
            {
                "model": "a",
                "parameters": {"weight": [{"filter": "mlp", "value": 0.5}, {"value": 0.1}]},
            },
            {"model": "b", "parameters": {"weight": [1.0, 0.0]}},
        ]
    )
    checked = parse_recipe(given)
    method = checked.method()
    assert checked.at(method, "model.layers.0.mlp.up_proj.weight", 0.0)[0] == [0.5, 1.0]
    assert checked.at(method, "lm_head.weight", 1.0)[0] == [0.1, 0.0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"merge_method": "tise"}, "unknown merge method 'tise'"),
        ({"merge_method": "ties"}, "needs a base"),
        ({"slices": []}, "slices: not supported"),
        ({"tokenizer_source": "union"}, "tokenizer_source: not supported"),
        ({"dtype": "int8"}, "dtype"),
        ({"parameters": {"t": 0.5}}, "unknown parameter 't'"),
        ({"parameters": {"normalize": 0.5}}, "is not a bool"),
        ({"models": []}, "models"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_recipe_is_refused_before_anything_is_loaded(changes: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_recipe(recipe(**changes))


def test_a_recipe_file_that_is_missing_or_broken_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such recipe"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("models: [")
    with pytest.raises(BadInput, match="is not YAML"):
        read_recipe(tmp_path / "bad.yaml")


def test_models_that_do_not_fit_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    first = ("a", open_checkpoint(folder / "a"))
    with pytest.raises(BadInput, match=r"wide and a: .* has shapes"):
        check_alike([first, ("wide", open_checkpoint(folder / "wide"))])
    with pytest.raises(BadInput, match=r"different architectures: GPTNeoXForCausalLM and Qwen2"):
        check_alike([first, ("neox", open_checkpoint(folder / "neox"))])
    other = save(tmp_path / "other")
    text = (other / "tokenizer.json").read_text().replace('"yes"', '"yea"')
    (other / "tokenizer.json").write_text(text)
    with pytest.raises(BadInput, match="different vocabularies"):
        check_alike([first, ("other", open_checkpoint(other))])


def test_a_folder_that_is_no_checkpoint_says_why(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        find_checkpoint("nowhere/at/all/of/it")
    with pytest.raises(BadInput, match=r"holds no config\.json"):
        open_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadInput, match=r"holds no \.safetensors"):
        open_checkpoint(tmp_path)
    whole = (folder / "a" / "model.safetensors").read_bytes()
    for broken in (whole[:4], whole[:-10], b"\xff" * 64):
        (tmp_path / "model.safetensors").write_bytes(broken)
        with pytest.raises(BadInput, match="is not a whole safetensors file"):
            open_checkpoint(tmp_path)


def test_a_target_that_holds_something_is_never_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(BadInput, match="is not empty"):
        merge(parse_recipe(recipe()), tmp_path, near=folder)


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox", "gpt2"])
def test_parameter_groups_cover_attention_and_mlp_of_every_layer(kind: str) -> None:
    more = {"n_embd": 16, "n_layer": 2, "n_head": 2} if kind == "gpt2" else {}
    names = [name for name, _ in tiny(kind, **more).named_parameters()]
    assert groups_of(names) == (
        "layers.0.attention", "layers.0.mlp", "layers.1.attention", "layers.1.mlp", "rest",
    )  # fmt: skip


def test_norms_and_embeddings_belong_to_the_rest() -> None:
    assert group_of("model.layers.10.post_attention_layernorm.weight") == "rest"
    assert group_of("model.embed_tokens.weight") == "rest"
    assert group_of("model.layers.10.self_attn.q_proj.weight") == "layers.10.attention"
