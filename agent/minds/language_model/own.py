"""A hypothesis of the model's own: checked as any stranger's would be before it becomes a plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent.minds.language_model.authorship import FAMILY
from agent.minds.language_model.fairness import label_faults, ruled_faults, unfair
from agent.minds.language_model.following import Following, OwnRelation
from agent.minds.language_model.pinning import check_names, pinned
from agent.minds.language_model.wording import plain_faults, unfounded
from agent.minds.mind import Contrast, DesignRequest, Proposal, RoundRequest
from agent.minds.playbook.arms import with_permanent
from agent.minds.playbook.family import Idea, Setting, all_families
from agent.minds.playbook.playbook import experiment_of, setting
from agent.minds.playbook.relations import FRESH
from papers.claim import assertions
from papers.prose import citations
from sandbox.errors import BadInput, HanjiError, PlanRefused, UnknownName
from sandbox.ledger import Ledger
from sandbox.records import CallLine, HypothesisLine, short_id
from tools.experiment import Arm, Experiment
from tools.freeze import METRICS, call_of, check_plan, frozen_plans
from tools.literature.library import Library
from tools.own_code import brought_code

MARGIN, LEAST = 0.05, 0.01
"""The largest loss that may be called none, and the smallest gain that may be predicted."""
MOST_TITLE, MOST_SENTENCE, MOST_LABEL = 90, 400, 50


class OwnArm(BaseModel):
    """One side of a comparison."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(description="as a table and a sentence name it; no digits")
    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class OwnHypothesis(BaseModel):
    """A hypothesis that is in no catalogue.

    predicted_effect: least mean of treatment less control that would support it. null_effect: 0,
    or a small loss such as -0.03 when the claim is that nothing is lost.
    """

    model_config = ConfigDict(extra="forbid")

    title: str = Field(description="what is claimed, a few words without digits")
    statement: str = Field(description="one sentence with 'should', without digits")
    rationale: str = Field(description="why, with {{citep:key}}; without digits")
    treatment: OwnArm
    control: OwnArm
    predicted_effect: float
    null_effect: float = 0.0
    metric: str = "accuracy"
    tasks: list[str] = Field(default_factory=list)
    follows: str = Field("", description="letter of the earlier hypothesis that it follows")
    relation: OwnRelation = Field("", description="how it follows that")
    also: str = Field("", description="letter of the second hypothesis that a cross combines")


@dataclass
class Examiner:
    """Examines the ideas of one round; what it has passed counts as taken for the next idea."""

    request: RoundRequest
    ledger: Ledger
    folder: Path
    library: Library
    alpha: float
    family_size: int
    passed: list[Proposal] = field(default_factory=list)

    def examine(self, own: OwnHypothesis) -> tuple[Proposal | None, list[str]]:
        """The proposal, or what is wrong with it."""
        wrong = list(self._faults(own))
        if wrong:
            return None, wrong
        try:
            contrast = Contrast(
                treatment=self._arm(own.treatment),
                control=self._arm(own.control),
                predicted_effect=own.predicted_effect,
                null_effect=own.null_effect,
                metric=own.metric,
                tasks=tuple(own.tasks),
            )
            wrong = [
                *self._empty(own, contrast),
                *self._following(own).differs(contrast, self.request.fresh),
            ]
            if wrong:
                return None, wrong
            proposal = self._proposal(own, contrast)
            self._plan(proposal)
        except HanjiError as error:
            return None, [str(error)]
        self.passed.append(proposal)
        return proposal, []

    @cached_property
    def at(self) -> Setting:
        """What the request's families design for."""
        return setting(self.request)

    def _faults(self, own: OwnHypothesis) -> Iterator[str]:
        yield from plain_faults(own.title, "title", MOST_TITLE)
        yield from ruled_faults(own.title, "title")
        yield from sentence_faults(own.statement, "statement", self.library)
        yield from sentence_faults(own.rationale, "rationale", self.library)
        sides = (own.treatment, own.control)
        for arm in sides:
            yield from plain_faults(arm.label, "label", MOST_LABEL)
        for text in (own.title, own.statement, own.rationale, *(a.label for a in sides)):
            yield from unfounded(text)
        titles = {k.hypothesis.title.lower() for k in self.request.known}
        titles |= {p.title.lower() for p in self.passed}
        if own.title.lower() in titles:
            yield f"there is a hypothesis {own.title!r} already"
        yield from self._following(own).faults()
        yield from self._effects(own)

    def _following(self, own: OwnHypothesis) -> Following:
        return Following(own.relation, own.follows, own.also, self.request.known, self.at)

    def _effects(self, own: OwnHypothesis) -> Iterator[str]:
        if METRICS.get(own.metric) != "higher":
            higher = ", ".join(name for name, better in METRICS.items() if better == "higher")
            yield f"the metric {own.metric[:40]!r} cannot be tested so; known: {higher}"
        if not -MARGIN <= own.null_effect <= 0:
            yield f"null_effect is {own.null_effect}; it is 0, or a loss of at most {MARGIN}"
        if own.null_effect == 0 and own.predicted_effect < LEAST:
            yield f"predicted_effect is {own.predicted_effect}; predict {LEAST} or more"
        if own.null_effect < 0 and not own.null_effect < own.predicted_effect <= 1:
            yield "predicted_effect must lie above null_effect, at 0 for a claim of no loss"

    def _empty(self, own: OwnHypothesis, contrast: Contrast) -> Iterator[str]:
        """What makes the comparison empty. Raises PlanRefused for calls that nothing takes."""
        sides = (contrast.treatment, contrast.control)
        calls = {call_of(arm) for arm in sides}
        if own.relation == "replicate" and calls <= self._named.keys():
            return  # it repeats to the letter what was planned, and is held to that
        for arm in sides:
            if arm.label not in {known.label for known in self._named.values() if known == arm}:
                yield from label_faults(arm, self._named)
        yield from unfair(*sides, superiority=own.null_effect == 0)
        primary = self.request.subject.primary
        made = self.ledger.lines(CallLine)
        piloted = any(call.tool == "pilot" and call.status == "ok" for call in made)
        if piloted and own.tasks and primary not in own.tasks:
            yield f"pilots were run, so a claim is about the primary task {primary!r} at least"

    def _arm(self, own: OwnArm) -> Arm:
        """The arm under the name that its call has in this run, or a name of its own."""
        arguments = pinned(own.tool, own.arguments, self.at)
        arm = Arm(name="asked", label=own.label, tool=own.tool, arguments=arguments)
        call = call_of(arm)
        check_names(arm, frozenset(brought_code(self.at.subject)))
        contrasts = [p.contrast for p in self.passed if p.contrast is not None]
        passed = [arm for c in contrasts for arm in (c.treatment, c.control)]
        named = {**self._named, **{call_of(known): known for known in passed}}
        if call in named:
            return named[call]
        name, taken = _slug(own.label), {known.name for known in named.values()}
        while name in taken:
            name = f"{name}-other"
        return arm.model_copy(update={"name": name})

    @cached_property
    def _named(self) -> dict[str, Arm]:
        """Call -> the arm that has a name for it already, of plans and of the catalogue."""
        ideas = (family.think(self.at) for family in all_families(self.at.domain).values())
        arms = [arm for i in ideas if i is not None for arm in with_permanent(i, self.at).arms]
        for plan in frozen_plans(self.ledger, self.folder):
            arms += plan.arms
        by_name = {arm.name: arm for arm in arms}
        return {call_of(arm): arm for arm in by_name.values()}

    def _proposal(self, own: OwnHypothesis, contrast: Contrast) -> Proposal:
        parent = self._following(own).parent
        sides = f"{contrast.treatment.label} - {contrast.control.label}"
        least = contrast.predicted_effect
        return Proposal(
            family=FAMILY,
            title=own.title.strip().rstrip("."),
            statement=own.statement.strip(),
            rationale=own.rationale.strip(),
            prediction=f"{sides} >= {least:g} {own.metric}",
            refuted_by=f"the mean difference is below {least:g} and the exact test says so",
            parent=parent.hypothesis.id if parent is not None else "",
            relation=own.relation,
            cites=tuple(dict.fromkeys(citations(f"{own.statement} {own.rationale}"))),
            contrast=contrast,
        )

    def _plan(self, proposal: Proposal) -> None:
        """Raise PlanRefused unless its plan could be frozen, and BadInput if it costs too much."""
        assert proposal.contrast is not None
        request = self.request
        design = DesignRequest(
            (), request.subject, request.known, request.seeds, request.fresh, request.evaluations,
            self.alpha, self.family_size, {},
        )  # fmt: skip
        line = HypothesisLine(
            id=short_id(proposal.title), round=request.round,
            **proposal.model_dump(exclude={"contrast"}),
        )  # fmt: skip
        fresh = proposal.relation in FRESH
        seeds = request.fresh if fresh else request.seeds
        plan = plan_of(line, proposal.contrast, design, seeds)
        check_plan(plan, request.subject, self.ledger, self.folder)
        for other in self.passed:
            if other.contrast is not None and _compared(other.contrast) == _compared(
                proposal.contrast
            ):
                raise PlanRefused(f"{other.title!r} compares the same", "compare something else")
        answered = request.recall(plan.arms, plan.test)
        if answered is not None and not (fresh and set(seeds).isdisjoint(answered.seeds)):
            raise PlanRefused(
                f"an earlier run of this laboratory answered it: {answered.title!r} is "
                f"{answered.ruling}",
                "ask something that follows from that",
            )
        if request.price(plan.arms, plan.seeds) > request.afford_cpu_s:
            raise BadInput("its trials cost more than is left", "compare cheaper arms")


def plan_of(
    line: HypothesisLine, contrast: Contrast, request: DesignRequest, seeds: tuple[int, ...]
) -> Experiment:
    """The plan that tests a hypothesis of the model's own; the run decides all but the contrast."""
    idea = Idea(
        title=line.title,
        statement=line.statement,
        rationale=line.rationale,
        prediction=line.prediction,
        refuted_by=line.refuted_by,
        cites=line.cites,
        treatment=(contrast.treatment,),
        control=(contrast.control,),
        predicted_effect=contrast.predicted_effect,
        null_effect=contrast.null_effect,
        tasks=contrast.tasks,
        metric=contrast.metric,
    )
    at = setting(request)
    return experiment_of(with_permanent(idea, at), line, request, seeds)


def sentence_faults(text: str, what: str, library: Library) -> Iterator[str]:
    """What is wrong with a sentence of a hypothesis: it may cite, and asserts nothing."""
    for key in citations(text):
        try:
            library.entry(key)
        except UnknownName as error:
            yield f"the {what} cites {key[:60]!r}, which is no work (nearest: {error.fix})"
    bare = re.sub(r"\{\{citep?:[\w, .:-]*\}\}", "", text)
    yield from plain_faults(bare, what, MOST_SENTENCE)
    for assertion in assertions(text):
        yield f"the {what} asserts {assertion.phrase!r}: say what should be the case"


def _compared(contrast: Contrast) -> Sequence[object]:
    return (contrast.treatment.name, contrast.control.name, contrast.tasks, contrast.metric)


def _slug(label: str) -> str:
    """A name: letters and hyphens."""
    return "-".join(re.findall(r"[a-z]+", label.lower())) or "own"
