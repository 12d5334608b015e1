"""Tasks: reading a person's items, asking a model, scoring."""

import json
from pathlib import Path

import pytest
import torch

from sandbox.errors import BadInput, OutputRejected
from tests.tools.tiny_models import WORDS, tiny, tokenizer
from tools.tasks.answer import Speaker, blocks_of, encode, examine, joined
from tools.tasks.jsonl import read_jsonl
from tools.tasks.score import score
from tools.tasks.task import Item, Question, TaskView


def write(path: Path, *lines: object) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_exact_match_and_multiple_choice_files_are_told_apart(tmp_path: Path) -> None:
    plain = write(
        tmp_path / "a.jsonl", {"prompt": "2+2=", "answer": "4"}, "", {"prompt": "1=", "answer": "1"}
    )
    assert read_jsonl(plain) == ("exact_match", (Item("2+2=", "4"), Item("1=", "1")))
    many = write(
        tmp_path / "b.jsonl",
        {"prompt": "p", "choices": ["x", "y"], "answer": 1},
        {"prompt": "q", "choices": ["x", "y"], "answer": "x"},
    )
    kind, items = read_jsonl(many)
    assert kind == "multiple_choice"
    assert [item.answer for item in items] == ["y", "x"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "t.jsonl:2: is not JSON"),
        ("[1]", "t.jsonl:2: is not a JSON object"),
        ({"prompt": "p"}, "t.jsonl:2: answer: is missing"),
        ({"answer": "p"}, "t.jsonl:2: prompt: is missing"),
        ({"prompt": "p", "answer": 4}, "t.jsonl:2: answer: must be a text"),
        ({"prompt": " ", "answer": "4"}, "t.jsonl:2: prompt: must be a text"),
        ({"prompt": "p", "answer": "4", "id": 1}, "t.jsonl:2: id: unknown field"),
        ({"prompt": "p", "choices": ["a", "b"], "answer": 0}, "t.jsonl:2: choices: some items"),
        ({"prompt": "p", "choices": ["a"], "answer": 0}, "choices: must be two or more"),
        ({"prompt": "p", "choices": "ab", "answer": 0}, "choices: must be two or more"),
        ({"prompt": "p", "choices": ["a", "a"], "answer": 0}, "choices: two options are equal"),
        ({"prompt": "p", "choices": ["a", "b"], "answer": 2}, "answer: 2 is no index"),
        ({"prompt": "p", "choices": ["a", "b"], "answer": "c"}, "answer: 'c' is not among"),
        ({"prompt": "first", "answer": "x"}, "t.jsonl:2: prompt: the same question as on line 1"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_one_sentence_with_file_line_and_field(
    tmp_path: Path, line: object, said: str
) -> None:
    path = write(tmp_path / "t.jsonl", {"prompt": "first", "answer": "1"}, line)
    with pytest.raises(BadInput) as caught:
        read_jsonl(path)
    assert said in caught.value.what
    assert "\n" not in str(caught.value)


def test_a_missing_an_empty_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such task file"):
        read_jsonl(tmp_path / "none.jsonl")
    with pytest.raises(BadInput, match="holds no items"):
        read_jsonl(write(tmp_path / "empty.jsonl", ""))
    (tmp_path / "bin.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_jsonl(tmp_path / "bin.jsonl")


def test_scoring_counts_equal_answers_and_refuses_another_number_of_them() -> None:
    items = [Item("p", "a"), Item("q", "b"), Item("r", "c")]
    assert score(["a", " b ", "x"], items) == (2, 3)
    with pytest.raises(OutputRejected, match="2 predictions for 3 items"):
        score(["a", "b"], items)


@pytest.fixture(scope="module", params=["llama", "qwen2", "gpt_neox"])
def speaker(request: pytest.FixtureRequest) -> Speaker:
    return Speaker(tiny(request.param, seed=3), tokenizer())


PROMPTS = ("a b =", "c =", "a b c d =", "j i =", "e =")


def test_one_word_answers_are_the_most_likely_next_token(speaker: Speaker) -> None:
    said = speaker.answer(TaskView("t", "exact_match", (), ()), [Question(p) for p in PROMPTS])
    for prompt, word in zip(PROMPTS, said, strict=True):
        ids = torch.tensor([[WORDS.index(w) for w in prompt.split()]])
        with torch.inference_mode():
            best = int(speaker.model(input_ids=ids).logits[0, -1].argmax())
        assert word == speaker._decode([best])


def test_longer_answers_are_decoded_greedily_without_padding_effects(speaker: Speaker) -> None:
    view = TaskView("t", "exact_match", (), (), answer_tokens=3)
    together = speaker.answer(view, [Question(p) for p in PROMPTS])
    assert together == [speaker.answer(view, [Question(p)])[0] for p in PROMPTS]


def test_multiple_choice_takes_the_highest_likelihood_per_token(speaker: Speaker) -> None:
    choices = ("yes", "no a b", "c d")
    (said,) = speaker.answer(TaskView("t", "multiple_choice", (), ()), [Question("a b =", choices)])
    values = []
    for choice in choices:
        ids = [WORDS.index(w) for w in f"a b = {choice}".split()]
        with torch.inference_mode():
            chances = speaker.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        values.append(
            sum(chances[n - 1, ids[n]].item() for n in range(3, len(ids))) / (len(ids) - 3)
        )
    assert said == choices[values.index(max(values))]


def test_an_examination_agrees_with_what_the_model_answers(speaker: Speaker) -> None:
    view = TaskView("t", "exact_match", (), ())
    said = speaker.answer(view, [Question(p) for p in PROMPTS])
    right = [Item(p, w) for p, w in zip(PROMPTS, said, strict=True) if w]
    fit = examine(view, speaker.tokenizer, right)(speaker)
    assert fit.accuracy == 1.0
    wrong = [Item(item.prompt, "a" if item.answer != "a" else "b") for item in right]
    bad = examine(view, speaker.tokenizer, wrong)(speaker)
    assert bad.accuracy == 0.0
    assert bad.cross_entropy > fit.cross_entropy > 0


def test_an_examination_on_choices_agrees_with_what_the_model_chooses(speaker: Speaker) -> None:
    view = TaskView("t", "multiple_choice", (), ())
    questions = [Question(p, ("yes", "no a", "c d")) for p in PROMPTS]
    said = speaker.answer(view, questions)
    right = [Item(q.prompt, w, q.choices) for q, w in zip(questions, said, strict=True)]
    fit = examine(view, speaker.tokenizer, right)(speaker)
    assert fit.accuracy == 1.0
    assert fit.cross_entropy < 1.1


def test_answers_join_their_prompts_with_one_space() -> None:
    assert joined("a =", "b") == joined("a =", " b") == joined("a = ", "b") == "a = b"
    (block,) = blocks_of(tokenizer(), [("a =", "b c")])
    assert block.tokens.tolist() == [[3, 13, 4]]
    assert block.answers.tolist() == [[4, 5]]


def test_an_end_mark_that_a_tokenizer_adds_is_not_part_of_the_prompt() -> None:
    from tokenizers import processors

    words = tokenizer()
    words._tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    assert encode(words, ["a b"]) == [[3, 4]]
