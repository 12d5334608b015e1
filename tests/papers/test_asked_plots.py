"""Plots that a mind asked for: from evidence, once, described by template; otherwise nothing."""

import re

import pytest

from papers.exhibits.asked import asked_for
from papers.exhibits.exhibit import exhibits_of
from papers.figures import draw
from papers.manuscript import Figure
from papers.numbers import Numbers
from papers.prose import words
from papers.record_view import RecordView
from sandbox.records import PlotLine
from tests.papers.sample_run import PRIMARY, sample_run


@pytest.fixture
def run(tmp_path):
    ledger, facts, plans, _, _ = sample_run(tmp_path / "run")
    return RecordView(ledger, facts, plans), Numbers(ledger, facts, plans)


def ask(view, *arms, metric="accuracy", split="test"):
    id = "-".join((metric, *arms))
    view.ledger.append(PlotLine(id=id, metric=metric, task=PRIMARY, split=split, arms=arms))


def shown(view):
    return [block for block in exhibits_of(view).results() if block is not None]


def test_nothing_asked_is_nothing_shown(run):
    view, _ = run
    assert asked_for(view, shown(view)) == ()


def test_a_plot_is_drawn_from_evidence_and_says_that_it_states_no_test(run, tmp_path):
    view, numbers = run
    ask(view, "evolve", "random-search")
    ask(view, "random-search", "evolve", metric="cpu_s", split="dev")
    paragraph, *figures = asked_for(view, shown(view))
    assert [figure.label for figure in figures] == ["fig:asked-a", "fig:asked-b"]
    for figure in figures:
        assert f"{{{{ref:{figure.label}}}}}" in paragraph.text
        assert "asked for this figure while it explored; it states no test" in figure.caption
        assert not re.search(r"\d", words(figure.caption) + figure.x_label + figure.alt)
        drawn = draw(figure, numbers, tmp_path)
        assert drawn.problems == ()
    accuracy, seconds = figures
    means = [numbers.resolve(f"mean:{arm}/{PRIMARY}/test") for arm in ("evolve", "random-search")]
    drawn = draw(accuracy, numbers, tmp_path)
    assert {mean.value for mean in means} <= {value.value for value in drawn.values}
    assert all(source.startswith("evidence:") for v in drawn.values for source in v.sources)
    assert (accuracy.x_label, seconds.x_label) == ("test accuracy", "seconds")
    assert seconds.caption.startswith("{{code:cpu_s}} on ")


def test_a_figure_that_the_paper_has_anyway_is_not_drawn_twice(run):
    view, _ = run
    main = next(b for b in shown(view) if isinstance(b, Figure) and b.label == "fig:main")
    arms = [expression.partition(":")[2].partition("/")[0] for expression in main.series[0].y]
    ask(view, *reversed(arms))
    assert asked_for(view, shown(view)) == ()
    ask(view, *arms[:2])
    assert [b.label for b in asked_for(view, shown(view))[1:]] == ["fig:asked-b"]
