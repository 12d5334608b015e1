import pytest

from papers.latex.document import document_tex
from papers.latex.escape import escape, escape_code, unsettable
from papers.latex.log import first_error, problems
from papers.manuscript import Column, Figure, Table
from papers.mathematics import checked
from papers.numbering import numbering
from papers.numbers import Numbers
from papers.tables import layout
from papers.visible import Visible
from sandbox.errors import PaperError
from tests.papers.sample_run import PRIMARY, sample_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sample_run(tmp_path_factory.mktemp("latex"))


def source(run):
    ledger, facts, plans, manuscript, references = run
    numbers = Numbers(ledger, facts, plans)
    pictures = {
        b.label: "figures/x.pdf"
        for s in manuscript.sections
        for b in s.blocks
        if isinstance(b, Figure)
    }
    visible = Visible(numbers, numbering(manuscript), references)
    return document_tex(manuscript, numbers, visible, pictures)


def test_every_special_character_is_escaped():
    assert escape(r"a_b & 50% of $5 #1 {x} ~ ^ \ <>") == (
        r"a\_b \& 50\% of \$5 \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} "
        r"\textless{}\textgreater{}"
    )
    assert escape("[x]*") == "{[}x{]}{*}"
    assert escape("−5 ± α “q”") == r"\ensuremath{-}5 \ensuremath{\pm} \ensuremath{\alpha} ``q''"


def test_letters_that_cannot_be_set_show_their_code_points():
    assert escape("한") == r"\texttt{[U+D55C]}"
    assert escape("한", hangul=True) == "한"
    assert escape("é ő") == "é ő"
    assert unsettable("한 é 漢", hangul=True) == {"漢"}


def test_code_keeps_its_hyphens_and_quotes():
    assert escape_code("--a='b'") == (
        r"-{}\allowbreak{}-{}\allowbreak{}a=\allowbreak{}\textquotesingle{}b\textquotesingle{}"
    )


def test_the_same_manuscript_gives_the_same_source(run):
    assert source(run) == source(run)


def test_a_value_is_wrapped_with_where_it_comes_from(run):
    assert rf"\evidence{{mean:evolve/{PRIMARY}/test\textbar{{}}.3f}}{{0.950}}" in source(run)


def test_no_value_stands_outside_of_its_wrapper(run):
    tex = source(run)
    assert tex.count("0.950") == tex.count("}{0.950}")


@pytest.mark.parametrize("tex", [r"\input{x}", r"\write18{x}", r"a}{", r"\def\a{}", "a$b", "a%b"])
def test_mathematics_that_is_not_mathematics_is_refused(tex):
    with pytest.raises(PaperError):
        checked(tex)


def test_formulas_of_the_field_pass():
    assert checked(r"\theta = \theta_0 + \sum_i \lambda_i \tau_i") == (
        r"\theta = \theta_0 + \sum_i \lambda_i \tau_i"
    )
    assert checked(r"\argmax_x f") == r"\operatorname{argmax}_x f"


def test_a_table_too_wide_for_its_column_wraps_its_widest_words():
    table = Table(
        label="tab:x",
        caption="c",
        columns=(Column(title="Name", align="l"), Column(title="A very long heading")),
        rows=(("a cell with far more words than a narrow column of this paper holds", "1"),),
    )
    fit = layout(table, lambda text: text, full_width=False)
    assert fit.columns[0].align == "X" and fit.wraps
    assert fit.heads[1] == ("A very", "long", "heading")
    assert not layout(table, lambda text: text, full_width=True).wraps


def test_a_heading_is_never_broken_inside_of_mathematics_or_a_reference():
    title = "$p + q$, {{fact:a b|text}} of all"
    table = Table(label="tab:x", caption="c", columns=(Column(title=title),), rows=(("1",),))
    laid = layout(table, lambda text: text.replace("{{fact:a b|text}}", "a b"), full_width=False)
    assert laid.heads == ((title,),)  # it wraps by itself, in a box as wide as its longest word
    assert laid.boxes_pt[0] > 0


def test_the_log_is_read_for_what_a_reader_would_notice():
    log = (
        "Overfull \\hbox (0.4pt too wide) in paragraph at lines 1--2\n"
        "Overfull \\hbox (12.34pt too wide) in paragraph at lines 5--9\n"
        "LaTeX Warning: Reference `tab:x' on page 1 undefined on input line 3.\n"
        "Package natbib Warning: Citation `key' on page 2 undefined on input line 3.\n"
        "Missing character: There is no x in font ec-lmr10!\n"
    )
    assert problems(log) == (
        "overfull box: 12.3 pt too wide, in paragraph at lines 5--9",
        "undefined reference: tab:x",
        "undefined citation: key",
        "missing glyph: x in ec-lmr10",
    )
    assert first_error("...\n! Undefined control sequence.\nl.5 \\oops\n") == (
        "Undefined control sequence. l.5 \\oops"
    )
