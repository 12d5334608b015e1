"""What may be plotted: what was measured, for every arm, a few times in a run."""

import pytest

from sandbox.errors import BadInput
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, PlotLine
from tools.actions.plot import MOST_PLOTS
from tools.desk import Desk
from tools.literature.library import Library
from tools.tool import find_tool

ASKED = {"task": "recall", "arms": ["attention", "ssd"]}


def measured(arm, seed, value, metric="accuracy", task="recall", split="test", unit="fraction"):
    return EvidenceLine(
        id=f"{arm}{seed}{metric}{value}", metric=metric, task=task, split=split, value=value,
        unit=unit, items=4, arm=arm, seed=seed, trial=f"{arm}{seed}", code_digest="c",
        data_digest="d",
    )  # fmt: skip


@pytest.fixture
def desk(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for seed in (1, 2):
        for arm, value in (("attention", 0.25), ("ssd", 0.5), ("looped", 0.75)):
            ledger.append(measured(arm, seed, value * seed / 2))
            ledger.append(measured(arm, seed, 9.0 * seed, "parameters", split="dev", unit="count"))
    ledger.append(measured("once", 1, 0.5))
    ledger.append(measured("torn", 1, 0.5))
    ledger.append(measured("torn", 1, 0.75))
    ledger.append(measured("torn", 2, 0.5))
    return Desk(Library.embedded(), ledger)


def ask(desk, **arguments):
    tool = find_tool("plot")
    return tool.function(tool.check({**ASKED, **arguments}), desk)


def test_what_was_measured_is_told_and_nothing_is_written(desk):
    head = desk.ledger.head
    found = ask(desk)
    assert [(row.arm, row.mean, row.seeds) for row in found.rows] == [
        ("attention", 0.1875, (1, 2)),
        ("ssd", 0.375, (1, 2)),
    ]
    assert (found.again, found.left) == (False, MOST_PLOTS - 1)
    assert found.request.arms == ("attention", "ssd")
    assert desk.ledger.head == head


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"arms": ["attention", "atention"]}, "'atention' (nearest: attention"),
        ({"arms": ["attention", "../ledger"]}, "no such arm was measured: '../ledger' (nearest: "),
        ({"task": "recal"}, "no such task was measured: 'recal' (nearest: recall)"),
        ({"metric": "acuracy"}, "no such metric was measured: 'acuracy' (nearest: accuracy)"),
        ({"split": "dev"}, "no such split was measured: 'dev' (nearest: test)"),
        ({"arms": ["ssd", "ssd"]}, "an arm is named twice"),
        ({"arms": ["ssd", "once"]}, "once has one seed here, so no interval"),
        ({"arms": ["ssd", "torn"]}, "torn has two values for a seed here"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(desk, arguments, says):
    with pytest.raises(BadInput) as refusal:
        ask(desk, **arguments)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"arms": ["ssd"]}, "plot: arms: "),
        ({"arms": [f"a{n}" for n in range(9)]}, "plot: arms: "),
        ({"arms": ["ssd", "x" * 121]}, "plot: arms.1: "),
        ({"split": "held-out"}, "plot: split: "),
        ({"caption": "ours is best"}, "plot: caption: Extra inputs are not permitted"),
        ({"metric": ""}, "plot: metric: "),
    ],
)
def test_arguments_of_another_shape_are_refused(arguments, says):
    with pytest.raises(BadInput) as refusal:
        find_tool("plot").check({**ASKED, **arguments})
    assert says in str(refusal.value)


def test_nothing_measured_is_said(tmp_path):
    with pytest.raises(BadInput, match="nothing was measured yet"):
        ask(Desk(Library.embedded(), Ledger(tmp_path / "ledger.jsonl")))


def test_measures_of_development_are_plotted_too(desk):
    found = ask(desk, metric="parameters", split="dev")
    assert [row.mean for row in found.rows] == [13.5, 13.5]


def test_the_same_plot_is_known_again_in_another_order_and_a_fifth_is_refused(desk):
    pairs = (["attention", "ssd"], ["ssd", "looped"], ["attention", "looped"])
    for at, arms in enumerate((*pairs, ["attention", "ssd", "looped"]), 1):
        found = ask(desk, arms=arms)
        assert (found.again, found.left) == (False, MOST_PLOTS - at)
        desk.ledger.append(found.request)
    again = ask(desk, arms=["ssd", "attention"])
    assert (again.again, again.left) == (True, 0)
    with pytest.raises(BadInput, match="4 plots were asked for, which is the limit"):
        ask(desk, metric="parameters", split="dev")
    assert len(desk.ledger.lines(PlotLine)) == MOST_PLOTS
