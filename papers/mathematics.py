"""The mathematics that a paper may hold: an allow-list of commands, and what each one means."""

from __future__ import annotations

import re

from sandbox.errors import PaperError

# command -> the character it stands for; letters are identifiers, the rest operators
SYMBOLS: dict[str, str] = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ", "infty": "∞",
    "partial": "∂", "nabla": "∇", "emptyset": "∅", "hbar": "ℏ", "forall": "∀", "exists": "∃",
    "sum": "∑", "prod": "∏", "int": "∫", "cdot": "⋅", "times": "×", "pm": "±", "mp": "∓",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈",
    "sim": "∼", "equiv": "≡", "propto": "∝", "ll": "≪", "gg": "≫", "in": "∈", "notin": "∉",
    "subset": "⊂", "subseteq": "⊆", "cup": "∪", "cap": "∩", "setminus": "∖", "to": "→",
    "rightarrow": "→", "leftarrow": "←", "mapsto": "↦", "Rightarrow": "⇒", "iff": "⇔",
    "odot": "⊙", "oplus": "⊕", "otimes": "⊗", "circ": "∘", "ast": "∗", "star": "⋆",
    "ldots": "…", "dots": "…", "cdots": "⋯", "mid": "∣", "parallel": "∥", "langle": "⟨",
    "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "prime": "′",
    "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "Vert": "‖", "vert": "|",
    "top": "⊤", "bot": "⊥", "wedge": "∧", "vee": "∨", "neg": "¬", "land": "∧", "lor": "∨",
    "{": "{", "}": "}", "|": "‖", "%": "%", "&": "&", "#": "#", "_": "_",
}  # fmt: skip
FUNCTIONS = frozenset({
        "log",
        "ln",
        "exp",
        "max",
        "min",
        "arg",
        "argmax",
        "argmin",
        "sup",
        "inf",
        "sin",
        "cos",
        "tan",
    
        "tanh",
        "lim",
        "det",
        "dim",
        "gcd",
        "Pr",
        "sgn",
    })  # fmt: skip
SPACES: dict[str, str] = {
    ",": "0.17em", ":": "0.22em", ";": "0.28em", "!": "-0.17em", "quad": "1em", "qquad": "2em",
    " ": "0.25em",
}  # fmt: skip
FACES: dict[str, str] = {
    "mathrm": "normal", "mathbf": "bold", "mathcal": "script", "mathbb": "double-struck",
    "mathsf": "sans-serif", "mathit": "italic", "text": "normal", "operatorname": "normal",
    "boldsymbol": "bold", "mathtt": "monospace", "textrm": "normal",
}  # fmt: skip
ACCENTS: dict[str, str] = {
    "hat": "^", "widehat": "^", "bar": "¯", "overline": "¯", "tilde": "~", "widetilde": "~",
    "vec": "→", "dot": "˙",
}  # fmt: skip
LAYOUT = frozenset({"frac", "tfrac", "dfrac", "sqrt", "left", "right", "displaystyle",
                    "bigl", "bigr", "big", "Big", "limits", "nolimits"})  # fmt: skip
OPERATOR_NAMES = frozenset({"argmax", "argmin", "sgn"})
ALLOWED = frozenset({*SYMBOLS, *FUNCTIONS, *SPACES, *FACES, *ACCENTS, *LAYOUT})
_COMMAND = re.compile(r"\\([a-zA-Z]+|.)", re.DOTALL)
_UNESCAPED = re.compile(r"\\.", re.DOTALL)


def checked(tex: str) -> str:
    """The formula, ready to be set. Raises PaperError for a command that is not allowed.

    Also refuses unbalanced braces and the characters `$`, `%`, `#` and `&` on their own.
    """
    for command in _COMMAND.findall(tex):
        if command not in ALLOWED:
            raise PaperError(
                f"mathematics: \\{command} is not allowed in {tex!r}",
                "use the commands of papers/mathematics.py",
            )
    bare = _UNESCAPED.sub("", tex)
    stray = set(bare) & set("$%#&")
    if stray or not _balanced(bare):
        raise PaperError(
            f"mathematics: {tex!r} is not one balanced formula",
            "close every brace; no $, %, # or & without a backslash",
        )
    return re.sub(
        r"\\(argmax|argmin|sgn)(?![a-zA-Z])", r"\\operatorname{\1}", " ".join(tex.split())
    )


def _balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        if depth < 0:
            return False
    return depth == 0
