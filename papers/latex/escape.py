"""Plain text made safe for LaTeX: every special, and every character that the fonts lack."""

from __future__ import annotations

import unicodedata

from papers.mathematics import SYMBOLS

_SPECIALS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    # after a row's end or \item these would be read as an argument
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}
_SYMBOLS = {
    "\N{NO-BREAK SPACE}": "~",
    "\N{MINUS SIGN}": r"\ensuremath{-}",
    "\N{MULTIPLICATION SIGN}": r"\ensuremath{\times}",
    "\N{PLUS-MINUS SIGN}": r"\ensuremath{\pm}",
    "\N{LESS-THAN OR EQUAL TO}": r"\ensuremath{\le}",
    "\N{GREATER-THAN OR EQUAL TO}": r"\ensuremath{\ge}",
    "\N{NOT EQUAL TO}": r"\ensuremath{\ne}",
    "\N{ALMOST EQUAL TO}": r"\ensuremath{\approx}",
    "\N{INFINITY}": r"\ensuremath{\infty}",
    "\N{RIGHTWARDS ARROW}": r"\ensuremath{\rightarrow}",
    "\N{LEFTWARDS ARROW}": r"\ensuremath{\leftarrow}",
    "\N{MIDDLE DOT}": r"\textperiodcentered{}",
    "\N{DEGREE SIGN}": r"\textdegree{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\n": " ",
    "\t": " ",
}
_GREEK = {
    letter: rf"\ensuremath{{\{name}}}"
    for name, letter in SYMBOLS.items()
    if len(letter) == 1 and ("\u0391" <= letter <= "\u03c9")
}
_BREAK_AFTER = frozenset("-_/.,=:(")


def escape(text: str, hangul: bool = False) -> str:
    """LaTeX that prints `text`.

    hangul: whether kotex is loaded. A character that cannot be set becomes a visible `[U+XXXX]`.
    """
    letters = "".join(_letter(letter, hangul) for letter in unicodedata.normalize("NFC", text))
    return letters if "--" not in text else _unligatured(text, hangul)


def _unligatured(text: str, hangul: bool) -> str:
    """The same with hyphens kept apart, which TeX would join into dashes."""
    return "-{}".join(escape(part, hangul) for part in text.split("-"))


def escape_code(text: str, hangul: bool = False) -> str:
    """Likewise for the monospaced face: no ligatures, straight quotes, breaks after punctuation."""
    letters = []
    normal = unicodedata.normalize("NFC", text)
    for letter, after in zip(normal, f"{normal[1:]} ", strict=True):
        tex = r"\textquotesingle{}" if letter == "'" else _letter(letter, hangul)
        letters.append("-{}" if letter == "-" else tex)
        if letter in _BREAK_AFTER and not after.isdigit():  # a number is never broken
            letters.append(r"\allowbreak{}")
    return "".join(letters)


def unsettable(text: str, hangul: bool = False) -> frozenset[str]:
    """The characters of `text` that `escape` replaces by their code points."""
    normal = unicodedata.normalize("NFC", text)
    return frozenset(c for c in normal if _letter(c, hangul).startswith(r"\texttt{[U+"))


def _letter(letter: str, hangul: bool) -> str:
    known = _SPECIALS.get(letter) or _SYMBOLS.get(letter) or _GREEK.get(letter)
    if known is not None:
        return known
    if " " <= letter <= "~" or _is_latin(letter) or (hangul and _is_korean(letter)):
        return letter
    return rf"\texttt{{[U+{ord(letter):04X}]}}"


def _is_latin(letter: str) -> bool:
    """Letters that T1 fonts hold under inputenc."""
    return letter.isalpha() and "\u00c0" <= letter <= "\u017e" and letter not in "\u0138\u0149"


def _is_korean(letter: str) -> bool:
    return "\uac00" <= letter <= "\ud7a3" or "\u3131" <= letter <= "\u318e"
