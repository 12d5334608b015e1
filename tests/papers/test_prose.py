from hypothesis import given
from hypothesis import strategies as st

from papers import prose
from papers.prose import Cite, Code, Math, Plain, Ref, Reference
from papers.typography import typographic


def test_prose_falls_into_its_pieces():
    text = (
        "As {{cite:a}} and {{citep:b, c}} show ({{ref:tab:x}}), {{mean:e/t/test|.3f}} of "
        "{{code:{x}}} with $\\alpha_{1}$."
    )
    assert prose.pieces(text) == (
        Plain("As "),
        Cite(("a",), in_parentheses=False),
        Plain(" and "),
        Cite(("b", "c"), in_parentheses=True),
        Plain(" show ("),
        Ref("tab:x"),
        Plain("), "),
        Reference("mean:e/t/test|.3f"),
        Plain(" of "),
        Code("{x}"),
        Plain(" with "),
        Math("\\alpha_{1}"),
        Plain("."),
    )
    assert prose.citations(text) == ("a", "b", "c")
    assert prose.labels(text) == ("tab:x",)
    assert prose.references(text) == ("mean:e/t/test|.3f",)


def test_an_unclosed_reference_is_seen():
    assert prose.unclosed("{{ev:abc|.3f}")
    assert prose.unclosed("ev:abc}} and")
    assert not prose.unclosed("{{ev:abc|.3f}}")


@given(st.text(alphabet=st.characters(blacklist_characters="{}$", blacklist_categories=("Cs",))))
def test_text_without_braces_or_dollars_is_one_plain_piece(text):
    assert prose.words(text) == text


def test_quotation_marks_and_dashes_are_curled():
    assert typographic('"one" -- it\'s') == "“one” – it’s"
    assert typographic('" after a value', continues=True) == "” after a value"
