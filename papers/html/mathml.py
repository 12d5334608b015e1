"""LaTeX mathematics as MathML: exactly the commands that papers.mathematics allows."""

from __future__ import annotations

import re
from html import escape

from papers.mathematics import ACCENTS, FACES, FUNCTIONS, SPACES, SYMBOLS, checked

_TOKEN = re.compile(r"\\(?:[a-zA-Z]+|.)|\d+(?:\.\d+)?|[a-zA-Z]|\S", re.DOTALL)
_LARGE = frozenset({"sum", "prod", "int", "lim", "max", "min", "sup", "inf", "argmax", "argmin"})
_NOTHING = frozenset(
    {"displaystyle", "limits", "nolimits", "bigl", "bigr", "big", "Big", "left", "right"}
)


def mathml(tex: str, display: bool = False) -> str:
    """The formula as a `<math>` element. Raises PaperError for a command that is not allowed."""
    tree = _Reader(checked(tex)).row()
    mode = ' display="block"' if display else ""
    return f"<math{mode}>{tree}</math>"


class _Reader:
    """Recursive descent over the tokens; the input was checked before."""

    def __init__(self, tex: str) -> None:
        self._tex = tex
        self._tokens = _TOKEN.findall(tex)
        self._at = 0

    def row(self, end: str = "") -> str:
        """Everything up to the closing token."""
        parts = []
        while (token := self._peek()) and token != end:
            parts.append(self._scripted())
        self._at += 1
        return f"<mrow>{''.join(parts)}</mrow>"

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _scripted(self) -> str:
        """An atom with its subscript and superscript."""
        start = self._peek()
        body = "<mrow></mrow>" if start in ("^", "_") else self._atom()
        under = over = ""
        while (mark := self._peek()) in ("^", "_"):
            self._take()
            if mark == "_":
                under = self._atom()
            else:
                over = self._atom()
        large = start.lstrip("\\") in _LARGE
        kinds = ("munder", "mover", "munderover") if large else ("msub", "msup", "msubsup")
        if under and over:
            return f"<{kinds[2]}>{body}{under}{over}</{kinds[2]}>"
        if under:
            return f"<{kinds[0]}>{body}{under}</{kinds[0]}>"
        return f"<{kinds[1]}>{body}{over}</{kinds[1]}>" if over else body

    def _atom(self) -> str:
        token = self._take()
        if token == "{":  # noqa: S105 - a brace, not a password
            return self.row("}")
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[:1].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        return f"<mo>{escape(token.replace('-', '−').replace('*', '∗').replace(chr(39), '′'))}</mo>"

    def _command(self, name: str) -> str:
        if name in SYMBOLS:
            kind = "mi" if SYMBOLS[name].isalpha() else "mo"
            return f"<{kind}>{escape(SYMBOLS[name])}</{kind}>"
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"/>'
        if name in FUNCTIONS or name == "operatorname":
            text = self._letters() if name == "operatorname" else name
            return f"<mi>{escape(text)}</mi>"
        if name in FACES:
            return f'<mi mathvariant="{FACES[name]}">{escape(self._letters())}</mi>'
        if name in ACCENTS:
            return f'<mover accent="true">{self._atom()}<mo>{ACCENTS[name]}</mo></mover>'
        if name in ("frac", "tfrac", "dfrac"):
            return f"<mfrac>{self._atom()}{self._atom()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self._atom()}</msqrt>"
        if name in _NOTHING:
            if name in ("left", "right") and self._peek() == ".":
                self._take()
            return ""
        return f"<mtext>{escape(name)}</mtext>"

    def _letters(self) -> str:
        """The letters of one group, as they stand."""
        if self._peek() != "{":
            token = self._take()
            return SYMBOLS.get(token.lstrip("\\"), token)
        self._take()
        letters = []
        while (token := self._take()) and token != "}":  # noqa: S105 - a brace
            letters.append(SYMBOLS.get(token[1:], " ") if token.startswith("\\") else token)
        return "".join(letters)
