"""The built-in mind: hypothesis families, designs and prose that need no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.budget import NO_ANSWER, NO_GATE, NO_QUESTION
from agent.minds.mind import (
    ActRequest,
    Call,
    Calls,
    DesignRequest,
    Designs,
    InterpretRequest,
    Known,
    Proposal,
    Proposals,
    ProposeRequest,
    Reading,
    ReviseRequest,
    RoundRequest,
    SurveyRequest,
    WriteRequest,
    mind,
)
from agent.minds.playbook.arms import with_permanent
from agent.minds.playbook.choose import (
    LATER,
    OPENING,
    Candidate,
    Choice,
    all_or_none,
    candidates,
    choose,
)
from agent.minds.playbook.family import Idea, Setting, all_families, find_family, is_gate
from agent.minds.playbook.planned import contrast_of
from agent.minds.playbook.relations import FRESH
from agent.minds.playbook.relevance import SHARE, relevance
from agent.minds.playbook.tree import paths, thought
from sandbox.errors import BadInput, MindFailed
from sandbox.records import HypothesisLine, short_id
from tools.experiment import Experiment, PairedTest
from tools.subject import Subject

if TYPE_CHECKING:
    from agent.settings import Settings
    from papers.draft import Prose

QUERIES = {
    "merging": (
        "evolutionary model merging",
        "task vectors arithmetic",
        "interference sign conflict sparsify",
        "linear mode connectivity averaging",
        "layers of several models stacked",
        "random search baseline",
        "paired test multiple comparisons seeds",
    ),
    "architectures": (
        "associative recall synthetic tasks",
        "linear attention delta rule",
        "state space models",
        "hybrid attention state space",
        "differential attention",
        "transformer modifications transfer",
        "paired test multiple comparisons seeds",
    ),
}


SENSITIVITY = 5.0
"""Margins that the control of a claim of no loss must lie above chance."""


class Playbook:
    """Chooses families by expected information, designs paired tests, writes from templates."""

    name = "playbook"
    description = "built-in hypothesis families, no language model"

    def survey(self, request: SurveyRequest) -> Calls:
        """The question itself and what the families build on."""
        queries = (request.question, *QUERIES[request.subject.domain])
        return Calls(
            calls=tuple(Call(tool="search_literature", arguments={"query": q}) for q in queries)
        )

    def propose(self, request: ProposeRequest) -> Proposals:
        """A batch that shares its trials: families first, follow-ups as findings come in."""
        choice = _next(request, request.first)
        if not choice.chosen:
            return Proposals(why=_nothing_left(choice, request), weights=choice.weights)
        why = (
            "highest expected information for a CPU-minute, drawn from the beliefs after "
            f"{len(request.known)} {'hypothesis' if len(request.known) == 1 else 'hypotheses'}"
        )
        if are_gate(choice.chosen):
            why = "the known order has to be reproduced before anything else is asked"
        asked = [c.name for c in choice.chosen if c.name in request.first]
        near = [c.name for c in choice.chosen if c.near >= SHARE and c.name not in asked]
        if near:
            why = f"what the question speaks of most: {', '.join(near)}; otherwise {why}"
        if asked:
            why = f"asked for by the topic: {', '.join(asked)}; otherwise {why}"
        return Proposals(
            hypotheses=tuple(proposal_of(c) for c in choice.chosen), why=why, weights=choice.weights
        )

    def design(self, request: DesignRequest) -> Designs:
        """The family's experiment; a refused one again on fresh seeds where there are any."""
        designed = []
        for line in request.hypotheses:
            fresh = line.relation in FRESH or line.id in request.refusals
            seeds = request.fresh if fresh else request.seeds
            if seeds:
                idea = idea_of(line, setting(request))
                designed.append(experiment_of(idea, line, request, seeds))
        return Designs(experiments=tuple(designed))

    def act(self, request: ActRequest) -> Calls:
        """Every arm of every open plan, each call once."""
        calls = {
            short_id([arm.tool, arm.arguments]): Call(tool=arm.tool, arguments=arm.arguments)
            for plan in request.plans
            for arm in plan.arms
        }
        return Calls(calls=tuple(calls.values()))

    def interpret(self, request: InterpretRequest) -> Reading:
        """Go on while a question is left that the budget can answer."""
        choice = _next(request, ())
        if not choice.chosen:
            return Reading(again=False, why=_nothing_left(choice, request))
        names = ", ".join(c.name for c in choice.chosen)
        return Reading(again=True, why=f"worth asking next: {names}")

    def write(self, request: WriteRequest) -> Prose:
        """The paper's prose, from what the run found."""
        from agent.minds.playbook.writing import write_prose

        return write_prose(request.ledger, request.facts, request.plans)

    def revise(self, request: ReviseRequest) -> Prose:
        """The playbook's text stays; mechanical repairs are made by papers.revise."""
        return request.prose


@mind("playbook")
def playbook(settings: Settings) -> Playbook:
    """The built-in mind. Raises BadInput for a language that it has no words of."""
    if settings.language != "en":
        raise BadInput(
            f"language: {settings.language}: the built-in mind writes English alone",
            "leave language out",
        )
    return Playbook()


def idea_of(line: HypothesisLine, at: Setting) -> Idea:
    """The idea behind a recorded hypothesis.

    Raises MindFailed when its family no longer gives it.
    """
    above = dict(at.paths).get(line.parent, ())
    path = (*above, line.relation) if line.relation else ()
    idea = thought(find_family(line.family), path, at)
    if idea is None:
        raise MindFailed(f"{line.family} has no design for {line.title!r}", "drop the hypothesis")
    return with_permanent(idea, at)


def setting(request: RoundRequest | DesignRequest) -> Setting:
    """What families design for; chance follows from the run's seeds, parts of a gate come last."""
    won = [k.hypothesis for k in request.known if k.ruling == "supported"]
    won.sort(key=lambda line: is_gate(line, request.subject.domain))
    families = all_families(request.subject.domain)
    winners = tuple(h.family for h in won if not h.relation and h.family in families)
    chance, troubled = min(request.seeds, default=0), _troubled(request.known)
    grown = tuple(paths(k.hypothesis for k in request.known if k.hypothesis.relation).items())
    return Setting(request.subject, request.evaluations, chance, winners, troubled, grown)


def _troubled(known: Sequence[Known]) -> tuple[tuple[str, str], ...]:
    """(arm, what kept it from a fair result), each arm once."""
    return tuple(sorted({arm: why for k in known for arm, why in k.troubles.items()}.items()))


def open_questions(request: RoundRequest) -> list[Candidate]:
    """What could be asked next, with how near each is to the topic's question."""
    at = setting(request)
    open_ = candidates(
        at, request.known, request.price, request.seeds, request.fresh, request.recall
    )
    spoken_of = relevance(request.question, at)
    return [replace(c, near=spoken_of.near(c.family)) for c in open_]


def _next(request: RoundRequest, first: Sequence[str]) -> Choice:
    open_ = open_questions(request)
    spoken_of = relevance(request.question, setting(request))
    batch = LATER if request.known else OPENING
    price, afford = request.price, request.afford_cpu_s
    seed = request.seed * 1009 + len(request.known)
    if are_gate(open_):
        return all_or_none(open_, price, request.room, afford, seed)
    asked = (*first, *spoken_of.asked)
    choice = choose(open_, price, min(request.room, batch), afford, asked, seed)
    return choice if _to_the_point(request, asked, open_, choice) else replace(choice, chosen=())


def _to_the_point(
    request: RoundRequest, asked: Sequence[str], open_: Sequence[Candidate], choice: Choice
) -> bool:
    """Whether anything asked for was or will be answered, where any of it can be.

    A paper about something else, because that is cheaper, would answer nobody's question.
    """
    known = {known.hypothesis.family for known in request.known}
    wanted = set(asked) & (known | {c.family for c in open_})
    return not wanted or bool(wanted & (known | {c.family for c in choice.chosen}))


def are_gate(asked: Sequence[Candidate]) -> bool:
    """Whether these are the parts of a gate, which are asked alone."""
    return any(not c.root and find_family(c.family).gate for c in asked)


def _nothing_left(choice: Choice, request: RoundRequest | None = None) -> str:
    """Why nothing was chosen; weights are of the questions that were open."""
    if any(family.gate for name, family in all_families().items() if name in choice.weights):
        return NO_GATE
    if request is not None and not _to_the_point(
        request,
        relevance(request.question, setting(request)).asked,
        open_questions(request),
        choice,
    ):
        return NO_ANSWER
    if choice.weights:
        return NO_QUESTION
    known = " that no earlier run answered" if request is not None and request.remembered else ""
    return f"no family has a further question about these models and tasks{known}"


def proposal_of(candidate: Candidate) -> Proposal:
    """The candidate's hypothesis, as the catalogue words it."""
    idea = candidate.idea
    return Proposal(
        family=candidate.family,
        title=idea.title,
        statement=idea.statement,
        rationale=idea.rationale,
        prediction=idea.prediction,
        refuted_by=idea.refuted_by,
        parent=candidate.parent,
        relation=candidate.relation,
        cites=idea.cites,
        contrast=contrast_of(idea) if candidate.root else None,
    )


def _least_control(idea: Idea, subject: Subject) -> float:
    """From where on a loss within the margin says something: chance and a multiple of the margin.

    The margin is then a fifth of what the control gains over chance, or less.
    """
    if idea.metric != "accuracy" or idea.null_effect >= 0:
        return 0.0
    tasks = idea.tasks or (subject.primary,)
    chance = [card.chance for card in subject.cards if card.name in tasks]
    return round(sum(chance) / len(chance) + SENSITIVITY * -idea.null_effect, 6)


def experiment_of(
    idea: Idea, line: HypothesisLine, request: DesignRequest, seeds: tuple[int, ...]
) -> Experiment:
    """The plan for an idea on these seeds; level, family and what is measured are the run's."""
    treatment, control = idea.sides(request.subject.primary)
    gate = line.id in request.gate
    return Experiment(
        hypothesis=line.id,
        subject=request.subject.name,
        arms=idea.arms,
        seeds=seeds,
        test=PairedTest(
            metric=idea.metric,
            treatment=treatment,
            control=control,
            null_effect=idea.null_effect,
            predicted_effect=idea.predicted_effect,
            least_control=_least_control(idea, request.subject),
            alpha=request.alpha,
            family_size=1 if gate else request.family_size,
            gate=gate,
        ),
        measured=tuple(card.name for card in request.subject.cards),
    )
