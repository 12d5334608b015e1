"""The tree of hypotheses in the paper: drawn from the ledger's lines alone."""

import json

import pytest

from papers.exhibits.tree import tree_figure
from papers.figures import draw
from papers.numbers import Numbers
from papers.record_view import RecordView
from papers.review.checks.figure_against_data import _figure
from papers.tree_drawing import TITLE_PT, _cut, _edges, _order
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, HypothesisLine, MemoryLine, VerdictLine

FACTS = {"subject": {"domain": "merging", "primary": "t", "tasks": [], "roles": [], "kept": []}}
TITLES = (
    "A merge composes a skill that neither parent has",
    "Layer-wise evolution beats tuned task arithmetic on the task that neither of its parents was "
    "ever trained for, with as many evaluations and on as many labelled items",
    "Task vectors add",
)
RULINGS = ("supported", "refuted", "inconclusive", "")
RELATIONS = ("ablate", "replicate", "generalise", "improve", "debug", "cross", "promote", "mutate")


def hypothesis(id, parent="", relation="", round_=1, title=""):
    return HypothesisLine(
        id=id, family="f", title=title or f"Question {id}", statement="s", rationale="r",
        prediction="p", refuted_by="f", round=round_, parent=parent, relation=relation,
    )  # fmt: skip


def verdict(id, ruling):
    return VerdictLine(
        id=f"v-{id}", hypothesis=id, comparison=f"c-{id}", ruling=ruling, p_support_holm=0.5,
        p_refute_holm=0.5, alpha=0.05, family_size=8, reason="r",
    )  # fmt: skip


def comparison(id):
    return ComparisonLine(
        id=f"c-{id}", experiment="e", hypothesis=id, metric="accuracy", treatment="a", control="b",
        seeds=(1,), pairs=1, treatment_mean=1.0, control_mean=0.5, differences=(0.5,), effect=0.5,
        low=0.5, high=0.5, null_effect=0.0, predicted_effect=0.1, p_support=0.5, p_refute=0.5,
        evidence=(),
    )  # fmt: skip


def memory(id):
    return MemoryLine(
        id=id, run="2026-01-01-an-earlier-one-0001", hypothesis="h", family="f", title="Known",
        statement="s", ruling="supported", seeds=(1,), same_code=True, head="0" * 64,
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


def figure_of(ledger, *lines):
    for line in lines:
        ledger.append(line)
    return tree_figure(RecordView(ledger, FACTS, {}))


def grown(count):
    """A tree of that many hypotheses, with every verdict, relation and length of title."""
    lines = []
    for at in range(count):
        id, parent = f"h{at}", f"h{at // 3}" if at > 3 else ""
        round_ = 1 + (lines[at // 3].round if parent else 0)
        relation = RELATIONS[at % len(RELATIONS)] if parent else ""
        title = f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[at]}: {TITLES[at % 3]}"
        lines.append(hypothesis(id, parent, relation, round_, title))
    ruled = [line.id for line in lines if RULINGS[int(line.id[1:]) % 4]]
    return (
        *lines,
        *(comparison(id) for id in ruled),
        *(verdict(id, RULINGS[int(id[1:]) % 4]) for id in ruled),
    )


def test_without_two_edges_there_is_no_tree(ledger):
    first = (hypothesis("a"), hypothesis("b"), hypothesis("c", "a", "ablate", 2))
    assert figure_of(ledger, *first) is None
    assert figure_of(ledger, hypothesis("d", "c", "replicate", 3)) is not None


def test_every_hypothesis_stands_in_its_round_with_its_verdict_and_its_parent(ledger):
    lines = (hypothesis("a"), hypothesis("b", "a", "improve", 2), hypothesis("c", "b", "debug", 3))
    figure = figure_of(ledger, *lines, comparison("a"), verdict("a", "supported"))
    series = {one.label: one for one in figure.series}
    assert list(series) == ["hypotheses", "supported", "untested", "improve", "debug"]
    assert series["hypotheses"].y == tuple(f"hypothesis:{id}.round" for id in "abc")
    assert series["debug"].x == ("{{hypothesis:b.title|text}}", "{{hypothesis:c.title|text}}")


def test_what_an_earlier_run_answered_is_a_node_before_the_first_round(ledger):
    follow = (hypothesis("a", "m", "replicate"), hypothesis("b", "m", "ablate"))
    figure = figure_of(ledger, memory("m"), memory("unused"), *follow)
    assert figure.series[0].x[0] == "{{memory:m.title|text}}"
    assert len(figure.series[0].x) == 3
    assert figure.series[2].label == "answered before"


def test_hypotheses_of_one_title_stay_apart(ledger):
    same = [hypothesis(id, parent, "replicate" if parent else "", title="Same") for id, parent in
            (("a", ""), ("b", "a"), ("c", "a"))]  # fmt: skip
    titles = figure_of(ledger, *same).series[0].x
    assert len(set(titles)) == 3


@pytest.mark.parametrize("count", [6, 20, 36])
def test_trees_of_all_sizes_are_drawn_from_the_ledger(ledger, tmp_path, count):
    figure = figure_of(ledger, *grown(count))
    numbers = Numbers(ledger, FACTS)
    drawn = draw(figure, numbers, tmp_path / "figures")
    assert drawn.problems == ()
    data = json.loads(drawn.data.read_text())
    assert len(data["curves"][0]["x"]) == count

    class Case:
        """What the check looks at."""

        def __init__(self):
            self.numbers = numbers

        def shown(self, text):
            return numbers.render(text).text

    assert list(_figure(Case(), figure, data)) == []


def test_children_stand_below_their_parent_in_the_order_of_asking(ledger, tmp_path):
    draw(figure_of(ledger, *grown(12)), Numbers(ledger, FACTS), tmp_path)
    curves = json.loads((tmp_path / "fig-tree.json").read_text())["curves"]

    class Drawn:
        def __init__(self, body):
            self.label, self.x = body["label"], tuple(body["x"])

    order = _order(tuple(curves[0]["x"]), _edges([Drawn(body) for body in curves[1:]]))
    letters = "".join(title[0] for title in order)
    assert letters == "ABEFCGHIDJKL"


def test_a_long_title_ends_in_dots_and_a_short_one_does_not():
    assert _cut("Task vectors add", 3.0) == "Task vectors add"
    cut = _cut(TITLES[1], 2.0)
    assert cut.endswith(" …")
    assert TITLES[1].startswith(cut.removesuffix(" …"))
    assert TITLE_PT == 7.0
