"""The miniature's vocabulary: 24 English and 24 Korean number words, and the marks between them."""

from __future__ import annotations

_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three"
)
_KO = (
    "영 일 이 삼 사 오 육 칠 팔 구 십 십일 십이 십삼 십사 십오 "
    "십육 십칠 십팔 십구 이십 이십일 이십이 이십삼"
)

NUMBERS: dict[str, tuple[str, ...]] = {"en": tuple(_EN.split()), "ko": tuple(_KO.split())}
LANGUAGES = {"en": "English", "ko": "Korean"}
COUNT = 24
"""Numbers 0 to 23; arithmetic is modulo this."""
LENGTH = 6
"""Distinct numbers in an item."""
TASKS = ("copy", "successor", "bigger", "largest")
SPECIAL = ("<bos>", "<eos>", "<pad>", "<unk>")
_MARKS = ("<en>", "<ko>", "<copy>", "<successor>", "<bigger>", "<largest>", "=")
_SPARE = tuple(f"<spare-{n}>" for n in range(16 - len(SPECIAL) - len(_MARKS)))
VOCABULARY: tuple[str, ...] = SPECIAL + _MARKS + _SPARE + NUMBERS["en"] + NUMBERS["ko"]
ID = {word: place for place, word in enumerate(VOCABULARY)}
_VALUE = {word: value for words in NUMBERS.values() for value, word in enumerate(words)}


def answer_to(task: str, numbers: tuple[int, ...]) -> int:
    """What `task` asks of `numbers`; the successor is taken modulo 24."""
    return {
        "copy": numbers[0],
        "successor": (numbers[0] + 1) % COUNT,
        "bigger": max(numbers[:2]),
        "largest": max(numbers),
    }[task]


def prompt_for(task: str, language: str, numbers: tuple[int, ...]) -> str:
    """The item as text; the tokenizer puts `<bos>` before it."""
    words = " ".join(NUMBERS[language][number] for number in numbers)
    return f"<{language}> <{task}> {words} ="


def numbers_in(prompt: str) -> tuple[int, ...]:
    """The numbers that a prompt names, in order, whatever their language."""
    return tuple(_VALUE[word] for word in prompt.split() if word in _VALUE)
