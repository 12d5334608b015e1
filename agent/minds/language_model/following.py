"""Whether a model's own hypothesis follows an earlier one as the relation that it names has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import JsonValue

from agent.minds.language_model.names import letters
from agent.minds.mind import Contrast, Known
from agent.minds.playbook.family import Setting, is_gate
from agent.minds.playbook.relations import worth
from agent.minds.playbook.tree import onward_from, paths
from tools.experiment import Arm
from tools.freeze import call_of
from tools.kind import KINDS
from tools.tool import find_tool

OwnRelation = Literal["", "debug", "improve", "ablate", "replicate", "generalise", "cross"]
RELATIONS = tuple(name for name in get_args(OwnRelation) if name)
NEEDS: Mapping[str, str] = {
    "debug": "one whose trials could not be run, or diverged",
    "improve": "one that is supported, or undecided on the predicted side",
    "cross": "supported ones",
}
"""Relation -> what it follows; the others follow any that was ruled on."""
SCALED = frozenset({"width"})
"""Fields of an architecture that change to keep its size when a part is taken away."""


def called(known: Sequence[Known]) -> dict[str, Known]:
    """Earlier hypotheses by the names that the model knows them by: a letter, or the title."""
    found = {past.hypothesis.title.lower(): past for past in known}
    return found | {letters(at).lower(): past for at, past in enumerate(known)}


def name_of(past: Known, known: Sequence[Known]) -> str:
    """The letter of an earlier hypothesis."""
    return letters(known.index(past))


@dataclass(frozen=True)
class Following:
    """A hypothesis that follows another. also: the second one that a cross combines."""

    relation: str
    follows: str
    also: str
    known: tuple[Known, ...]
    at: Setting

    @property
    def parent(self) -> Known | None:
        """The earlier hypothesis, if there is one of that name."""
        return called(self.known).get(self.follows.strip().lower())

    @property
    def other(self) -> Known | None:
        """The second one."""
        return called(self.known).get(self.also.strip().lower())

    def faults(self) -> Iterator[str]:
        """What is wrong with the relation, whatever is compared."""
        named = [name for name in (self.follows, self.also) if name]
        missing = [name for name in named if name.strip().lower() not in called(self.known)]
        for name in missing:
            yield f"there is no earlier hypothesis {name[:60]!r} to follow"
        if bool(self.relation) != bool(self.follows):
            yield f"give both follows and relation, one of {', '.join(RELATIONS)}, or neither"
        elif bool(self.also) != (self.relation == "cross"):
            yield "also names the second hypothesis that a cross combines, and is for that alone"
        elif self.follows and not missing:
            yield from self._ruled()

    def differs(self, contrast: Contrast, fresh: Sequence[int]) -> Iterator[str]:
        """What is wrong with what is compared. fresh: seeds that no trial has used."""
        if self.parent is not None and self.relation:
            yield from self._compared(contrast, fresh)

    def _ruled(self) -> Iterator[str]:
        for past in (self.parent, self.other):
            if past is None:
                continue
            name, path = past.hypothesis.title, paths(k.hypothesis for k in self.known)
            if is_gate(past.hypothesis, self.at.domain):
                yield f"{name!r} is a part of the known order, which nothing follows"
            elif self.relation not in onward_from(path[past.hypothesis.id], self.at):
                yield f"{self.relation} cannot follow {name!r}, which is a follow-up itself"
            elif past.experiment is None:
                yield f"{name!r} was never planned, so nothing follows it"
            elif not worth(self.relation, past):
                needs = NEEDS.get(self.relation, "one that was ruled on")
                ruled = past.ruling or "not measured"
                yield f"{self.relation} follows {needs}; {name!r} is {ruled}"
        if self.other is not None and self.other is self.parent:
            yield "a cross combines two hypotheses, not one with itself"

    def _compared(self, contrast: Contrast, fresh: Sequence[int]) -> Iterator[str]:
        assert self.parent is not None
        sides = _sides(self.parent)
        same = _calls(contrast) == tuple({call_of(arm) for arm in side} for side in sides)
        if self.relation == "replicate":
            if not fresh:
                yield "no seeds are left that no trial has used, so nothing can be replicated"
            if not same or not _same_test(contrast, self.parent, self.at):
                yield (
                    "a replication compares the same calls by the same test on fresh seeds: repeat "
                    "treatment, control, tasks, metric and effects to the letter"
                )
        elif same and _same_test(contrast, self.parent, self.at):
            yield f"this compares the same as {self.parent.hypothesis.title!r}: change something"
        elif self.relation == "ablate":
            yield from self._ablates(contrast, sides[0])
        elif self.relation == "cross":
            yield from self._crosses(contrast, sides[0])
        else:
            yield from self._stays_with(contrast, sides)

    def _ablates(self, contrast: Contrast, treated: Sequence[Arm]) -> Iterator[str]:
        """One side is the parent's treatment, the other is that with something taken away."""
        whole = {call_of(arm): arm for arm in treated}
        pairs = ((contrast.treatment, contrast.control), (contrast.control, contrast.treatment))
        for one, lesser in pairs:
            if call_of(one) in whole and _is_less(one, lesser):
                return
        yield (
            "an ablation compares the treatment that it follows, to the letter, with the same "
            "call from which a part is taken away: left out, switched off, or fewer of it"
        )

    def _crosses(self, contrast: Contrast, treated: Sequence[Arm]) -> Iterator[str]:
        """The treatment is made of both parents' treatments; the control is one of these."""
        second = _sides(self.other)[0] if self.other is not None else ()
        parents = [*treated, *second]
        child = contrast.treatment
        if call_of(contrast.control) not in {call_of(arm) for arm in parents}:
            yield "the control of a cross is the treatment of one of the two that it combines"
        if call_of(child) in {call_of(arm) for arm in parents}:
            yield "the treatment of a cross is neither of the two that it combines"
        elif not any(_is_mixed(child, a, b) for a in treated for b in second):
            yield "every argument of a cross is that of one of the two that it combines"

    def _stays_with(self, contrast: Contrast, sides: tuple[Sequence[Arm], ...]) -> Iterator[str]:
        """To mend, push or move a question, its tools stay, and one of its sides where it is."""
        before = [{arm.tool for arm in side} for side in sides]
        now = (contrast.treatment.tool, contrast.control.tool)
        if any(tool not in tools for tool, tools in zip(now, before, strict=True)):
            yield f"{self.relation} keeps the tools of both sides of what it follows"
        if self.relation == "improve":
            kept = {call_of(arm) for side in sides for arm in side}
            treatment, control = _calls(contrast)
            if not kept & (treatment | control):
                yield "improve compares with a side of what it follows, to the letter"


def _sides(past: Known) -> tuple[tuple[Arm, ...], tuple[Arm, ...]]:
    """The arms of treatment and control, as they were planned."""
    plan = past.experiment
    if plan is None:
        return (), ()
    treatment, control = plan.test.treatment, plan.test.control
    return tuple(map(plan.arm, treatment.arms)), tuple(map(plan.arm, control.arms))


def _calls(contrast: Contrast) -> tuple[set[str], set[str]]:
    return {call_of(contrast.treatment)}, {call_of(contrast.control)}


def _same_test(contrast: Contrast, past: Known, at: Setting) -> bool:
    assert past.experiment is not None
    test = past.experiment.test
    tasks = contrast.tasks or (at.subject.primary,)
    said = (contrast.metric, contrast.predicted_effect, contrast.null_effect)
    planned = (test.metric, test.predicted_effect, test.null_effect)
    return said == planned and tasks == test.treatment.tasks


def _is_less(whole: Arm, part: Arm) -> bool:
    """Whether a call is another one with something taken away."""
    if whole.tool != part.tool or call_of(whole) == call_of(part):
        return False
    one, other = (find_tool(arm.tool).normal(arm.arguments) for arm in (whole, part))
    plain = _plain(whole)
    return all(
        _less(value, other.get(name)) or other.get(name) == plain.get(name, value)
        for name, value in one.items()
        if name not in ("match", *(kind.argument for kind in KINDS.values()))
    )


def _plain(arm: Arm) -> Mapping[str, JsonValue]:
    """Defaults of the tool's arguments, of those that have any."""
    fields = find_tool(arm.tool).arguments.model_fields
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in fields.items()
        if not field.is_required()
    }


def _less(whole: JsonValue, part: JsonValue) -> bool:
    """Whether `part` is `whole`, or `whole` with something left out, switched off, or fewer."""
    if whole == part or not part:
        return True
    if isinstance(whole, dict) and isinstance(part, dict):
        inner = whole.keys() - SCALED
        return not part.keys() - whole.keys() and all(
            _less(whole[key], part.get(key)) for key in inner
        )
    if isinstance(whole, list) and isinstance(part, list):
        if len(part) == len(whole):
            return all(_less(a, b) for a, b in zip(whole, part, strict=True))
        rest = iter(whole)
        return all(any(_less(a, b) for a in rest) for b in part)
    if isinstance(whole, bool) or isinstance(part, bool):
        return False
    return isinstance(whole, int) and isinstance(part, int) and 0 < part < whole


def _is_mixed(child: Arm, first: Arm, second: Arm) -> bool:
    """Whether every argument of a call is that of one of two others of its tool."""
    if not child.tool == first.tool == second.tool:
        return False
    tool = find_tool(child.tool)
    mine, one, other = (tool.normal(arm.arguments) for arm in (child, first, second))
    return _from_either(mine, one, other)


def _from_either(value: JsonValue, one: JsonValue, other: JsonValue) -> bool:
    if value in (one, other):
        return True
    if isinstance(value, dict) and isinstance(one, dict) and isinstance(other, dict):
        return all(_from_either(v, one.get(k), other.get(k)) for k, v in value.items())
    if isinstance(value, list) and isinstance(one, list) and isinstance(other, list):
        if len(value) == len(one) == len(other):
            return all(map(_from_either, value, one, other))
        return all(v in one or v in other for v in value)
    return False
