"""Turn hypotheses into frozen plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.findings import fresh_seeds, known
from agent.lab import Lab
from agent.minds.mind import Contrast, DesignRequest, Designs, Proposals
from agent.minds.playbook.family import is_gate
from agent.minds.playbook.relations import FRESH
from agent.nodes.hypothesize import line_of
from agent.state import State, Update
from sandbox.errors import CannotResume, HanjiError, PlanRefused
from sandbox.records import DecisionLine, HypothesisLine, PlanLine, short_id
from tools.experiment import Experiment
from tools.freeze import freeze

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def design(state: State, runtime: Runtime[Lab]) -> Update:
    """Freeze a plan for each hypothesis; a refused one may be mended once, then it is dropped."""
    lab, round_ = runtime.context, state["round"]
    with lab.stage("design", round_):
        lines = [h for h in lab.ledger.lines(HypothesisLine) if h.id in state["hypotheses"]]
        refused = _freeze_all(lab, round_, lines, {})
        again = [line for line in lines if line.id in refused]
        still = _freeze_all(lab, round_, again, refused) if again else {}
        for line in again:
            if line.id in still:
                _drop(lab, line, still[line.id])
        plans = [p.id for p in lab.ledger.lines(PlanLine) if p.hypothesis in state["hypotheses"]]
    return {"plans": plans}


def _freeze_all(
    lab: Lab, round_: int, lines: Sequence[HypothesisLine], refusals: Mapping[str, str]
) -> dict[str, str]:
    """Hypothesis id -> why it has no plan."""
    key = f"design-{round_}{'-again' if refusals else ''}"
    reply = lab.replies.recall(key, Designs, lambda: _ask(lab, round_, lines, refusals))
    designed = {experiment.hypothesis: experiment for experiment in reply.experiments}
    frozen = {line.hypothesis for line in lab.ledger.lines(PlanLine)}
    refused = {}
    for line in lines:
        if line.id not in frozen:
            why = _freeze(lab, line, designed.get(line.id))
            if why:
                refused[line.id] = why
    return refused


def _freeze(lab: Lab, line: HypothesisLine, experiment: Experiment | None) -> str:
    """Why the plan was refused, empty when it is frozen."""
    if experiment is None:
        return "the mind designed no experiment"
    test, gate = experiment.test, is_gate(line, lab.subject.domain)
    if test.gate != gate:
        return "gate must be true for a part of the gate and for nothing else"
    family_size = 1 if gate else lab.topic.hypotheses
    if (test.alpha, test.family_size) != (lab.topic.alpha, family_size):
        return f"alpha and family_size must be {lab.topic.alpha} and {family_size}"
    if not gate and (answered := _answered(lab, line, experiment)):
        return answered
    try:
        freeze(experiment, lab.subject, lab.ledger, lab.folder)
    except PlanRefused as error:
        return str(error)
    return ""


def _answered(lab: Lab, line: HypothesisLine, experiment: Experiment) -> str:
    """Which earlier run answered this comparison already, empty where none did.

    A part of a gate is reproduced by every run; fresh seeds make a replication.
    """
    try:
        found = lab.memory.recall(experiment.arms, experiment.test)
    except HanjiError:
        return ""  # a call that cannot be made is for `freeze` to refuse
    if found is None or (line.relation in FRESH and not set(found.seeds) & set(experiment.seeds)):
        return ""
    return (
        f"run {found.run} answered this comparison already ({found.ruling}); replicate it on fresh "
        "seeds, or compare something else"
    )


def _drop(lab: Lab, line: HypothesisLine, why: str) -> None:
    lab.say("design", f"dropped: {why}", hypothesis=line.title)
    lab.ledger.append(
        DecisionLine(
            id=short_id(["dropped", line.id]),
            what=f"dropped: {line.title}",
            chosen=(line.id,),
            why=f"its plan was refused twice: {why}",
        )
    )


def _ask(
    lab: Lab, round_: int, lines: Sequence[HypothesisLine], refusals: Mapping[str, str]
) -> Designs:
    request = DesignRequest(
        hypotheses=tuple(lines),
        subject=lab.subject,
        known=known(lab, round_),
        seeds=lab.seeds,
        fresh=fresh_seeds(lab),
        evaluations=lab.evaluations,
        alpha=lab.topic.alpha,
        family_size=lab.topic.hypotheses,
        refusals=refusals,
        gate=frozenset(line.id for line in lines if is_gate(line, lab.subject.domain)),
        contrasts=_contrasts(lab, round_),
    )
    return lab.mind.design(request)


def _contrasts(lab: Lab, round_: int) -> dict[str, Contrast]:
    """Hypothesis -> what the mind proposed to compare, where it said so itself."""
    kept = lab.replies.recall(f"propose-{round_}", Proposals, _lost)
    return {
        line_of(proposal, round_).id: proposal.contrast
        for proposal in kept.hypotheses
        if proposal.contrast is not None
    }


def _lost() -> Proposals:
    raise CannotResume("the mind's proposals are not on disk", "start a new run")
