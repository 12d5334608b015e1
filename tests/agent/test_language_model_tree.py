"""A model's hypotheses are nodes of the tree: they follow and are followed as relations have it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.findings import standing
from agent.lab import Lab
from agent.minds.language_model.briefing import known_so_far
from agent.minds.language_model.own import FAMILY
from agent.minds.mind import Known, ProposeRequest
from agent.minds.playbook.choose import value
from agent.minds.playbook.playbook import Playbook, open_questions
from agent.nodes.design import design
from agent.nodes.hypothesize import hypothesize
from agent.state import fresh
from sandbox.records import HypothesisLine, NoveltyLine
from tests.agent.spoken import Speaker
from tests.agent.test_language_model_proposals import (
    Runtime,
    asked,
    attended,
    ideas,
    in_a_lab,
    own,
)
from tools.freeze import frozen_plans

pytestmark = pytest.mark.slow

TITLE = "A weaker language vector keeps the skill"
MERGE = {"method": "ties", "roles": ["skill", "language"], "base": "base"}


def arm(label: str, **arguments: object) -> dict[str, object]:
    return {"label": label, "tool": "merge", "arguments": {**MERGE, **arguments}}


def ties(**changes: object) -> dict[str, object]:
    """TIES with unequal weights against TIES, as an idea of the model's own."""
    weighed = arm("Sign election with a lighter language", weights={"language": 0.5})
    return own(
        **{
            "title": "Sign election with a lighter language vector helps",
            "statement": "Sign election with a lighter language vector should be more accurate.",
            "treatment": weighed,
            "control": arm("Sign election with equal weights"),
            **changes,
        }
    )


def in_round_two(lab: Lab, ruling: str = "supported", *first: dict[str, object]) -> ProposeRequest:
    """A request after a first round whose hypotheses were planned and ruled so."""
    attended(lab, Speaker({"propose-1": ideas(*(first or (own(),)))}))
    state = {**fresh(), **hypothesize(fresh(), Runtime(lab)), "round": 1}
    design(state, Runtime(lab))
    plans = {plan.hypothesis: plan for plan in frozen_plans(lab.ledger, lab.folder)}
    known = tuple(
        Known(line, plans[line.id], None, ruling) for line in lab.ledger.lines(HypothesisLine)
    )
    return replace(standing(lab, ProposeRequest, 2, before_round=2), known=known, round=2, room=3)


def proposed(lab: Lab, request: ProposeRequest, *found: dict[str, object]):
    voice = Speaker({"propose-2": ideas(*found, {"family": "interference"})})
    return attended(lab, voice).propose(request), voice


def test_what_a_model_asked_can_be_replicated_by_either_mind(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        request = in_round_two(lab)
        names = [c.name for c in open_questions(request)]
        again = "own:a-weaker-language-vector-keeps-the/replicate"
        assert again in names
        reply, voice = proposed(lab, request, {"family": again})
        assert f"`{again}`" in voice.told("propose-2")
        line = reply.hypotheses[0]
        assert (line.family, line.relation) == (FAMILY, "replicate")
        assert line.parent == request.known[0].hypothesis.id
        assert line.contrast is not None
        parent = request.known[0].experiment
        assert parent is not None
        assert line.contrast.treatment.arguments == parent.arms[0].arguments
        assert again in reply.weights
        builtin = Playbook().propose(replace(request, first=(again,)))
        assert again in builtin.weights

    in_a_lab(tmp_path, work)


def test_a_replication_of_its_own_is_frozen_on_fresh_seeds(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        request = in_round_two(lab)
        title = "A weaker language vector keeps the skill on other seeds"
        twice = own(title=title, follows="A", relation="replicate")
        reply, _ = proposed(lab, request, twice)
        lab.replies.recall("propose-2", type(reply), lambda: reply)
        state = hypothesize({**fresh(), "round": 1}, Runtime(lab))
        design({**fresh(), **state}, Runtime(lab))
        second = frozen_plans(lab.ledger, lab.folder)[1]
        line = lab.ledger.find(HypothesisLine, second.hypothesis)
        assert line is not None
        assert (line.title, line.relation) == (title, "replicate")
        assert line.parent == request.known[0].hypothesis.id
        assert set(second.seeds).isdisjoint(lab.seeds)

    in_a_lab(tmp_path, work)


def test_a_parent_is_named_by_letter_or_title_and_has_to_be_there(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        request = in_round_two(lab)
        for name in ("A", "a", TITLE):
            idea = ties(follows=name, relation="generalise")
            reply, voice = proposed(lab, request, idea)
            assert "propose-2-mend" not in voice.keys, voice.told("propose-2-mend")
            assert reply.hypotheses[0].parent == request.known[0].hypothesis.id
        told = refusal(lab, request, ties(follows="B", relation="generalise"))
        assert "no earlier hypothesis 'B'" in told

    in_a_lab(tmp_path, work)


def refusal(lab: Lab, request: ProposeRequest, idea: dict[str, object]) -> str:
    _, voice = proposed(lab, request, idea)
    return voice.told("propose-2-mend")


def test_a_relation_needs_a_ruling(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        request = in_round_two(lab, "inconclusive")
        for relation, said in {
            "improve": "improve follows one that is supported",
            "debug": "debug follows one whose trials could not be run",
        }.items():
            assert said in refusal(lab, request, ties(follows="A", relation=relation))
        assert "give both" in refusal(lab, request, ties(relation="improve"))
        assert "give both" in refusal(lab, request, ties(follows="A"))
        assert "also names" in refusal(lab, request, ties(follows="A", relation="cross"))

    in_a_lab(tmp_path, work)


def test_a_replication_compares_the_same_and_an_ablation_takes_something_away(
    tmp_path: Path,
) -> None:
    def work(lab: Lab) -> None:
        components = {
            "attention": {"skill": 1.0, "language": 0.5}, "mlp": {"skill": 0.5, "language": 1.0},
        }  # fmt: skip
        whole = arm("Sign election by component", components=components)
        first = ties(title="Components may differ in sign election", treatment=whole)
        request = in_round_two(lab, "refuted", first)
        same = refusal(lab, request, ties(follows="A", relation="replicate"))
        assert "compares the same calls" in same
        more = refusal(lab, request, ties(follows="A", relation="ablate"))
        assert "a part is taken away" in more
        part = arm("Sign election by attention alone", components={
            "attention": {"skill": 1.0, "language": 0.5}})  # fmt: skip
        lesser = ties(
            title="Sign election by component needs its second part",
            treatment=whole, control=part, follows="A", relation="ablate",
        )  # fmt: skip
        reply, voice = proposed(lab, request, lesser)
        assert "propose-2-mend" not in voice.keys, voice.told("propose-2-mend")
        assert reply.hypotheses[0].relation == "ablate"

    in_a_lab(tmp_path, work)


def test_a_cross_is_made_of_both_parents(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        skill = arm("Sign election with a lighter skill", weights={"skill": 0.5})
        other = ties(title="Sign election with a lighter skill helps", treatment=skill)
        request = in_round_two(lab, "supported", ties(), other)
        lighter = arm("Sign election with a lighter language", weights={"language": 0.5})
        both = ties(
            title="Lighter vectors go together",
            treatment=arm("Sign election with lighter vectors",
                          weights={"language": 0.5, "skill": 0.5}),
            control=lighter, follows="A", also="B", relation="cross",
        )  # fmt: skip
        reply, voice = proposed(lab, request, both)
        assert "propose-2-mend" not in voice.keys, voice.told("propose-2-mend")
        assert reply.hypotheses[0].relation == "cross"
        assert "combines two hypotheses" in refusal(
            lab, request, ties(follows="A", also="A", relation="cross")
        )
        stray = dict(
            both["own"],
            treatment=arm("Sign election, rescaled", weights={"language": 0.5, "skill": 0.9}),
        )  # type: ignore[call-overload]
        assert "that of one of the two" in refusal(lab, request, {"own": stray})

    in_a_lab(tmp_path, work)


def test_the_tree_is_told_by_letters_with_values_in_words(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        request = in_round_two(lab)
        _, voice = proposed(lab, request, ties())
        told = voice.told("propose-2")
        assert f"A: {TITLE}." in told
        assert "So far: supported" in told
        assert request.known[0].hypothesis.id not in told
        assert "information for its cost: high" in told
        ranked = sorted(open_questions(request), key=lambda c: -value(c, request.price))
        shown = [told.find(f"- `{c.name}` (") for c in (ranked[0], ranked[-1])]
        assert -1 < shown[0] < shown[1]
        line = request.known[0].hypothesis.model_copy(
            update={"id": "child", "parent": request.known[0].hypothesis.id, "relation": "ablate"}
        )
        child = replace(request.known[0], hypothesis=line)
        assert "It follows A (ablate)." in known_so_far((*request.known, child))[1]

    in_a_lab(tmp_path, work)


def test_both_minds_candidates_stand_in_one_round(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        request = in_round_two(lab)
        reply, _ = proposed(lab, request, ties(follows="A", relation="generalise"))
        assert [p.family for p in reply.hypotheses] == [FAMILY, "interference"]

    in_a_lab(tmp_path, work)


def test_near_works_are_shown_and_unchecked_is_said(tmp_path: Path) -> None:
    def work(lab: Lab) -> None:
        request = in_round_two(lab)
        [line] = lab.ledger.lines(NoveltyLine)
        assert line.unchecked
        _, voice = proposed(lab, request, ties())
        told = voice.told("propose-2")
        assert line.works[0].title in told
        assert "Unchecked: " in told
        assert "the topic allows no network" in told

    in_a_lab(tmp_path, work)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "A novel way to keep the skill"},
        {"rationale": "Nobody has tried this before."},
        {"statement": "For the first time both should be kept."},
    ],
)
def test_an_idea_may_not_call_itself_new(tmp_path: Path, changes: dict[str, object]) -> None:
    def work(lab: Lab) -> None:
        voice = Speaker({"propose-1": ideas({"family": "composition"}, own(**changes))})
        reply = attended(lab, voice).propose(asked(lab))
        assert [p.family for p in reply.hypotheses] == ["composition"]
        assert "cannot be known" in voice.told("propose-1-mend")

    in_a_lab(tmp_path, work)
