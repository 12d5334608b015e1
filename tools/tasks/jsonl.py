"""Read a person's task: one JSON object a line, exact match or multiple choice."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import JsonValue

from sandbox.errors import BadInput
from tools.tasks.task import Item, TaskKind

_FIX = (
    'exact match: {"prompt": "...", "answer": "..."}; '
    'multiple choice adds "choices": ["...", "..."]'
)
_FIELDS = {"prompt", "answer", "choices"}


def read_jsonl(path: Path) -> tuple[TaskKind, tuple[Item, ...]]:
    """The task's kind and its items, in the file's order; empty lines are skipped.

    A multiple-choice answer is the text of the right option or its index from 0. Raises BadInput
    naming file, line and field.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such task file", "give the path of a JSONL file")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text", "save the task file as UTF-8") from error
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise BadInput(f"{path}: holds no items", _FIX)
    items = tuple(_item(line, f"{path}:{n}") for n, line in numbered)
    many = bool(items[0].choices)
    for (n, _), item in zip(numbered, items, strict=True):
        if bool(item.choices) != many:
            raise BadInput(f"{path}:{n}: choices: some items have them and some do not", _FIX)
    _refuse_repeats(path, numbered, items)
    return ("multiple_choice" if many else "exact_match"), items


def _item(line: str, where: str) -> Item:
    try:
        value: JsonValue = json.loads(line)
    except (ValueError, RecursionError) as error:  # a number or a depth that json itself refuses
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise BadInput(f"{where}: is not JSON: {said}", _FIX) from error
    if not isinstance(value, dict):
        raise BadInput(f"{where}: is not a JSON object", _FIX)
    if unknown := sorted(set(value) - _FIELDS):
        raise BadInput(f"{where}: {unknown[0]}: unknown field", _FIX)
    prompt = _text(value, "prompt", where)
    if "choices" in value:
        choices = _choices(value["choices"], where)
        return Item(prompt, _right_option(value, choices, where), choices)
    return Item(prompt, _text(value, "answer", where))


def _text(value: dict[str, JsonValue], field: str, where: str) -> str:
    if field not in value:
        raise BadInput(f"{where}: {field}: is missing", _FIX)
    text = value[field]
    if not isinstance(text, str) or not text.strip():
        raise BadInput(f"{where}: {field}: must be a text that is not empty", _FIX)
    return text


def _choices(value: JsonValue, where: str) -> tuple[str, ...]:
    whole = value if isinstance(value, list) else []
    texts = [choice for choice in whole if isinstance(choice, str) and choice.strip()]
    if len(texts) != len(whole) or len(texts) < 2:
        raise BadInput(f"{where}: choices: must be two or more texts", _FIX)
    if len(set(texts)) != len(texts):
        raise BadInput(f"{where}: choices: two options are equal", _FIX)
    return tuple(texts)


def _right_option(value: dict[str, JsonValue], choices: tuple[str, ...], where: str) -> str:
    answer = value.get("answer")
    if isinstance(answer, int) and not isinstance(answer, bool):
        if not 0 <= answer < len(choices):
            raise BadInput(
                f"{where}: answer: {answer} is no index of {len(choices)} choices",
                "count from 0",
            )
        return choices[answer]
    text = _text(value, "answer", where)
    if text not in choices:
        raise BadInput(f"{where}: answer: {text!r} is not among the choices", _FIX)
    return text


def _refuse_repeats(path: Path, numbered: list[tuple[int, str]], items: tuple[Item, ...]) -> None:
    """The same question twice could stand in dev and in test."""
    first: dict[tuple[str, tuple[str, ...]], int] = {}
    for (n, _), item in zip(numbered, items, strict=True):
        same = first.setdefault((item.prompt, item.choices), n)
        if same != n:
            raise BadInput(
                f"{path}:{n}: prompt: the same question as on line {same}",
                "remove one, so that no item can be both searched on and tested on",
            )
