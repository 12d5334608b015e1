import pytest

from agent.routes import after_hypothesize, after_interpret, after_review
from agent.state import fresh


@pytest.mark.parametrize(
    ("route", "change", "where"),
    [
        (after_hypothesize, {"hypotheses": ["h"]}, "design"),
        (after_hypothesize, {"hypotheses": []}, "write"),
        (after_interpret, {"again": True}, "hypothesize"),
        (after_interpret, {"again": False}, "write"),
        (after_review, {"revise": True}, "revise"),
        (after_review, {"revise": False}, "publish"),
    ],
)
def test_every_branch_leads_where_it_says(route, change, where):
    assert route({**fresh(), **change}) == where


def test_the_state_is_small_and_plain():
    assert all(isinstance(v, bool | int | str | list) for v in fresh().values())
