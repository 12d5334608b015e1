"""The built-in subject: its items, its roles, its training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sandbox.errors import UnknownName
from tools.merging.forward import answer_logits, plain_shape
from tools.merging.miniature import Miniature
from tools.merging.profile import PROFILES, Profile
from tools.merging.train import BATCH, course_of, draw_items, new_model, new_tokenizer, train
from tools.merging.words import ID, NUMBERS, VOCABULARY, answer_to, numbers_in, prompt_for
from tools.tasks.answer import Speaker

torch.set_num_threads(1)
QUICK = PROFILES["quick"]
SHORT = Profile("short", 6, 7, 4, 5, 8, 6, 8, 4)


def held_out(seed: int) -> list[tuple[int, ...]]:
    splits = Miniature("quick").items(seed).values()
    return [numbers_in(i.prompt) for split in splits for items in split.values() for i in items]


def test_items_follow_from_the_seed_and_every_seed_has_its_own() -> None:
    one, again, other = Miniature("quick"), Miniature("quick"), Miniature("quick")
    assert one.items(3) == again.items(3)
    assert one.data_digest(3) == again.data_digest(3) != other.data_digest(4)


def test_dev_and_test_share_no_item_in_any_task() -> None:
    numbers = held_out(0)
    assert len(set(numbers)) == len(numbers)


def test_split_sizes_are_the_profiles() -> None:
    items = Miniature("standard").items(0)
    assert (len(items["largest.ko"]["dev"]), len(items["largest.ko"]["test"])) == (300, 2000)
    assert (len(items["largest.en"]["dev"]), len(items["largest.en"]["test"])) == (100, 2000)
    assert (len(items["copy.ko"]["dev"]), len(items["copy.ko"]["test"])) == (100, 500)


def test_answers_are_what_the_task_asks_in_the_tasks_language() -> None:
    for name, splits in Miniature("quick").items(1).items():
        task, language = name.split(".")
        for item in splits["test"]:
            numbers = numbers_in(item.prompt)
            assert item.answer == NUMBERS[language][answer_to(task, numbers)]
            assert item.prompt == prompt_for(task, language, numbers)
    assert [answer_to(t, (23, 4, 7, 0, 1, 2)) for t in ("copy", "successor", "bigger")] == [
        23,
        0,
        23,
    ]


def test_chance_is_the_accuracy_of_the_best_constant_answer() -> None:
    cards = {card.name: card for card in Miniature().cards}
    for name, splits in Miniature().items(0).items():
        answers = [item.answer for item in splits["test"]]
        best = max(answers.count(answer) for answer in set(answers)) / len(answers)
        assert best == pytest.approx(cards[name].chance, abs=0.035)


def test_roles_name_what_they_start_from_and_parents_are_two() -> None:
    subject = Miniature("quick")
    names = [role.name for role in subject.roles]
    assert [role.name for role in subject.roles if role.kind == "parent"] == ["skill", "language"]
    for role in subject.roles:
        assert set(role.needs) <= set(names[: names.index(role.name)])
        assert role.train["profile"] == "quick"
    assert subject.primary not in {task for role in subject.roles for task in role.skilled_in}
    with pytest.raises(UnknownName, match="quick"):
        Miniature("huge")


def test_a_vocabulary_of_sixty_four_words_with_real_numerals() -> None:
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 64
    assert NUMBERS["en"][21] == "twenty-one"
    assert NUMBERS["ko"][23] == "이십삼"


def test_no_training_item_has_the_numbers_of_a_held_out_item() -> None:
    course = course_of("base", QUICK)
    numbers = held_out(0)
    place = 24 ** np.arange(6)
    # Forbid also what would have been drawn, so that redrawing is exercised.
    tokens, _ = draw_items(course, 0, "base", [])
    value = {ID[word]: n for words in NUMBERS.values() for n, word in enumerate(words)}
    first = [tuple(value[t] for t in row) for row in tokens[:500, 3:9].tolist()]
    tokens, _ = draw_items(course, 0, "base", [*numbers, *first])
    seen = np.array([[value[t] for t in row] for row in tokens[:, 3:9].tolist()]) @ place
    assert not np.isin(seen, np.array([*numbers, *first]) @ place).any()


@pytest.mark.parametrize("role", ["base", "skill", "language", "joint"])
def test_training_items_are_the_courses_and_correctly_answered(role: str) -> None:
    course = course_of(role, SHORT)
    tokens, answers = draw_items(course, 5, role, [])
    assert tokens.shape == (course.steps * BATCH, 10)
    seen = set()
    for row, answer in zip(tokens.tolist(), answers.tolist(), strict=True):
        words = [VOCABULARY[token] for token in row]
        language, task = words[1].strip("<>"), words[2].strip("<>")
        numbers = numbers_in(" ".join(words))
        assert VOCABULARY[answer] == NUMBERS[language][answer_to(task, numbers)]
        assert len(set(numbers)) == 6
        own = all(word in NUMBERS[language] for word in words[3:9])
        seen.add((task, language if own else "mixed"))
    assert seen == set(course.mixture)


def test_the_fast_forward_pass_equals_transformers_in_values_and_gradients() -> None:
    torch.manual_seed(0)
    model = new_model(1, "base")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    # Without the padding token: transformers gives its row no gradient.
    tokens = torch.randint(4, 64, (5, 9))
    shape = plain_shape(model.config)
    assert shape is not None
    gradients = []
    for keep in (1, 3):
        plain = model(input_ids=tokens, use_cache=False).logits[:, -keep:]
        fast = answer_logits(dict(model.named_parameters()), shape, tokens, keep)
        assert torch.allclose(plain, fast, atol=1e-4)
        for logits in (plain, fast):
            model.zero_grad()
            logits.square().sum().backward()
            gradients.append([p.grad.clone() for p in model.parameters()])
        for one, other in zip(*gradients[-2:], strict=True):
            assert torch.allclose(one, other, rtol=1e-3, atol=1e-3 * one.abs().max().item())


def test_training_is_repeatable_lowers_the_loss_and_leaves_frozen_embeddings() -> None:
    course = course_of("skill", Profile("short", 0, 7, 40, 0, 0, 0, 0, 0))
    first, second = new_model(2, "base"), new_model(2, "base")
    before = first.model.embed_tokens.weight.clone()
    tokens, answers = draw_items(course, 7, "skill", [])
    shape = plain_shape(first.config)
    assert shape is not None

    def loss() -> float:
        with torch.inference_mode():
            logits = answer_logits(dict(first.named_parameters()), shape, tokens[:512])[:, 0]
            return torch.nn.functional.cross_entropy(logits, answers[:512]).item()

    start = loss()
    for model in (first, second):
        train(model, course, 7, "skill", [])
    assert loss() < start - 0.5
    assert torch.equal(first.model.embed_tokens.weight, before)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_a_saved_model_is_an_ordinary_checkpoint(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    new_model(0, "base").save_pretrained(tmp_path)
    new_tokenizer().save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert AutoModelForCausalLM.from_pretrained(tmp_path).num_parameters() == 131520
    ids = tokenizer("<ko> <largest> 영 이십삼 =")["input_ids"]
    assert ids == [ID[w] for w in ("<bos>", "<ko>", "<largest>", "영", "이십삼", "=")]
    assert Speaker.load(tmp_path).tokenizer.decode([ID["이십삼"]]) == "이십삼"


def test_the_foreign_base_differs_from_the_base() -> None:
    one, other = new_model(0, "base"), new_model(0, "foreign-base")
    assert not torch.equal(one.lm_head.weight, other.lm_head.weight)
    assert torch.equal(one.lm_head.weight, new_model(0, "base").lm_head.weight)


def test_a_secret_changes_the_test_items_alone() -> None:
    plain, one, other = (Miniature("quick", secret=s) for s in ("", "a" * 32, "b" * 32))
    assert one.items(3) == Miniature("quick", secret="a" * 32).items(3)
    tests = [{i.prompt for i in m.items(3)[m.primary]["test"]} for m in (plain, one, other)]
    assert all(not x & y for x, y in zip(tests, tests[1:] + tests[:1], strict=True))
    assert all(one.items(3)[task]["dev"] == other.items(3)[task]["dev"] for task in one.items(3))
    for splits in one.items(3).values():
        assert not {i.prompt for i in splits["dev"]} & {i.prompt for i in splits["test"]}
    assert one.data_digest(3) != other.data_digest(3)
    assert "secret" in one.pairing
    assert "secret" not in plain.pairing
