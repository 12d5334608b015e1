import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from papers.html.mathml import mathml
from papers.html.page import page_html
from papers.manuscript import Figure
from papers.numbering import numbering
from papers.numbers import Numbers
from papers.visible import Visible
from tests.papers.sample_run import PRIMARY, sample_run

SVG = (
    '<?xml version="1.0"?><svg width="10pt" height="5pt" viewBox="0 0 10 5"><path d="M0 0"/></svg>'
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    ledger, facts, plans, manuscript, references = sample_run(tmp_path_factory.mktemp("html"))
    numbers = Numbers(ledger, facts, plans)
    places = numbering(manuscript)
    figures = [b.label for s in manuscript.sections for b in s.blocks if isinstance(b, Figure)]
    return page_html(
        manuscript, numbers, Visible(numbers, places, references), places, references,
        dict.fromkeys(figures, SVG),
    )  # fmt: skip


class Tags(HTMLParser):
    VOID = frozenset({"meta", "path", "mspace"})

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.targets, self.outside = [], set(), set(), []

    def handle_starttag(self, tag, attrs):
        fields = dict(attrs)
        self.ids.add(fields.get("id"))
        for name in ("href", "src"):
            value = fields.get(name, "")
            if value.startswith("#"):
                self.targets.add(value[1:])
            elif value and name == "src":
                self.outside.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_well_formed_and_every_link_leads_somewhere(page):
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert tags.targets and tags.targets <= tags.ids
    assert not tags.outside


def test_hovering_a_number_shows_its_expression_and_evidence(page):
    found = re.search(
        rf'title="mean:evolve/{PRIMARY}/test\|\.3f\nfrom evidence:\w+[^"]*">0\.950<', page
    )
    assert found


def test_specials_are_escaped_and_korean_stays(page):
    assert "(&amp; % $ _ # ~ ^ \\ { } &lt; &gt;)" in page
    assert "한지" in page


def test_references_read_as_in_the_pdf(page):
    assert ">Table\N{NO-BREAK SPACE}2</a>" in page
    assert ">Akiba et al. (2025)</a> merged" in page
    assert ">Hansen, 2016</a>; <a" in page
    assert ">Equation\N{NO-BREAK SPACE}(1)</a>" in page


def test_mathematics_becomes_mathml():
    tree = ElementTree.fromstring(mathml(r"\theta_0^{(g)} + \frac{1}{2}\sum_{i} \hat{x}_i"))
    tags = {element.tag for element in tree.iter()}
    assert {"msubsup", "mfrac", "munder", "mover", "mn"} <= tags
    assert "".join(tree.itertext()) == "θ0(g)+12∑ix^i"
    ElementTree.fromstring(mathml(r"\left\| a < b \right\|, \operatorname{sign}(x)", display=True))
