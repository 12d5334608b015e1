"""All trials that a round of experiments needs: each call once per seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import JsonValue

from sandbox.errors import BadInput
from sandbox.ledger import Ledger
from sandbox.policy import MIB, Policy
from sandbox.records import Split, TrialLine, digest_of
from tools.experiment import Experiment
from tools.folder_digest import folder_digest
from tools.own_code import brought_code, named_code
from tools.seed_inputs import digest_of_items
from tools.sources import code_digest
from tools.subject import Role, Subject
from tools.tool import NamedCode, Tool, find_tool
from tools.trial import TrialSpec

TRAIN = "train"
_CPU_ALLOWANCE, _LEAST_CPU_S = 20.0, 60.0
_WALL_ALLOWANCE, _LEAST_WALL_S = 60.0, 180.0


@dataclass(frozen=True)
class Planned:
    """One trial to be run.

    models: role -> folder that the person brought. code: input name -> file of a block or a merge
    method that is not built in; with any, the trial is not trusted. cpu_s: first estimate of its
    cost.

    wanted: (task, split) pairs that it must answer, because a frozen test reads them. order: rank
    of its seed. leaves_model: other trials start from its checkpoint. experiments: ids of those
    that need it. apart: other jobs answer, from what this one makes.
    """

    spec: TrialSpec
    arm: str
    label: str
    order: int
    cpu_s: float
    policy: Policy
    models: Mapping[str, Path] = field(default_factory=dict)
    code: Mapping[str, Path] = field(default_factory=dict)
    wanted: frozenset[tuple[str, Split]] = frozenset()
    leaves_model: bool = False
    experiments: tuple[str, ...] = ()
    apart: bool = False

    @property
    def id(self) -> str:
        """The trial's id."""
        return self.spec.id


def roster(
    experiments: Sequence[Experiment], subject: Subject, scale: float = 1.0
) -> list[Planned]:
    """Every distinct trial, prerequisites before those that need them, whole seeds first.

    scale: how many times dearer than the built-in miniature the subject's models are. Raises
    BadInput when a call names a role that the subject has not.
    """
    return _Roster(subject, scale).of(experiments)


def cost_s(
    experiments: Sequence[Experiment], subject: Subject, ledger: Ledger, scale: float = 1.0
) -> float:
    """Estimated CPU seconds of the trials that the ledger does not have yet."""
    measured = Costs(ledger)
    planned = roster(experiments, subject, scale)
    return sum(measured.of(p) for p in planned if ledger.find(TrialLine, p.id) is None)


class Costs:
    """What calls cost: the mean of those measured in this run, or else the tool's estimate."""

    def __init__(self, ledger: Ledger) -> None:
        self._seen: dict[str, list[float]] = {}
        for line in ledger.lines(TrialLine):
            self.add(line)

    def add(self, line: TrialLine) -> None:
        """Learn from a trial that ended well."""
        if line.status == "ok":
            self._seen.setdefault(_call(line.tool, line.arguments), []).append(line.cpu_s)

    def of(self, planned: Planned) -> float:
        """CPU seconds that this trial will probably take."""
        seen = self._seen.get(_call(planned.spec.tool, planned.spec.arguments))
        return sum(seen) / len(seen) if seen else planned.cpu_s


class _Roster:
    def __init__(self, subject: Subject, scale: float) -> None:
        self._subject = subject
        self._scale = scale
        self._roles = {role.name: role for role in subject.roles}
        self._code = code_digest()
        self._brought: dict[str, str] = {}
        self._data: dict[int, str] = {}
        self._planned: dict[str, Planned] = {}

    def of(self, experiments: Sequence[Experiment]) -> list[Planned]:
        seeds = list(dict.fromkeys(seed for e in experiments for seed in e.seeds))
        for order, seed in enumerate(seeds):
            for experiment in experiments:
                if seed in experiment.seeds:
                    self._enlist(experiment, seed, order)
        return list(self._planned.values())

    def _enlist(self, experiment: Experiment, seed: int, order: int) -> None:
        for arm in experiment.arms:
            tool = find_tool(arm.tool)
            arguments = tool.normal(arm.arguments)
            planned = self._plan(tool, arguments, tool.needs(arguments), seed, order, experiment.id)
            planned = replace(
                planned, arm=arm.name, label=arm.label, wanted=_wanted(experiment, arm.name)
            )
            self._add(planned)

    def _train(self, role: Role, seed: int, order: int, experiment: str) -> Planned:
        tool = find_tool(TRAIN)
        arguments = tool.normal(dict(role.train))
        planned = self._plan(tool, arguments, role.needs, seed, order, experiment)
        planned = replace(
            planned,
            arm=f"{TRAIN}-{role.name}",
            label=f"training of {role.label}",
            leaves_model=True,
        )
        self._add(planned)
        return planned

    def _plan(
        self,
        tool: Tool,
        arguments: dict[str, JsonValue],
        roles: Iterable[str],
        seed: int,
        order: int,
        experiment: str,
    ) -> Planned:
        needs: dict[str, str] = {}
        given: dict[str, Path] = {}
        for name in roles:
            role = self._role(name, tool)
            if role.files is None:
                needs[name] = self._train(role, seed, order, experiment).id
            else:
                given[name] = role.files
        drawn = tool.drawn(arguments)
        code = self._own(tool, tool.code(arguments))
        self._own(tool, drawn)
        spec = TrialSpec(
            tool=tool.name,
            arguments=arguments,
            seed=seed,
            needs=needs,
            files={name: self._digest(path) for name, path in {**given, **code}.items()},
            code_digest=self._code,
            data_digest=digest_of_items(self._data_digest(seed), drawn),
        )
        cost = tool.cost_s(arguments) * self._scale
        return Planned(
            spec=spec,
            arm="",
            label="",
            order=order,
            cpu_s=cost,
            policy=_untrusted(tool, cost, given) if code else _policy(tool, cost),
            models=given,
            code=code,
            experiments=(experiment,),
            apart=_apart(tool, bool(code)),
        )

    def _add(self, planned: Planned) -> None:
        known = self._planned.get(planned.id)
        if known is not None:
            planned = replace(
                known,
                wanted=known.wanted | planned.wanted,
                leaves_model=known.leaves_model or planned.leaves_model,
                experiments=tuple(dict.fromkeys(known.experiments + planned.experiments)),
            )
        self._planned[planned.id] = planned

    def _role(self, name: str, tool: Tool) -> Role:
        if name not in self._roles:
            raise BadInput(
                f"{tool.name}: {self._subject.name} has no model in the role {name!r}",
                f"its roles: {', '.join(self._roles)}",
            )
        return self._roles[name]

    def _own(self, tool: Tool, files: Iterable[NamedCode]) -> dict[str, Path]:
        """Input name -> file, as they were named."""
        known, found = brought_code(self._subject), {}
        for named in files:
            name = named.name
            if name not in known or named_code(known[name]) != named:
                raise BadInput(
                    f"{tool.name}: the run has no code {name!r} of the digest {named.digest[:12]}",
                    f"it has: {', '.join(known) or 'none'}",
                )
            if self._digest(known[name].file) != named.digest:
                raise BadInput(
                    f"{known[name].file} was changed since its plan was made",
                    "restore it from a copy, or start a new run",
                )
            found[known[name].input] = known[name].file
        return found

    def _digest(self, path: Path) -> str:
        if str(path) not in self._brought:
            self._brought[str(path)] = folder_digest(path)
        return self._brought[str(path)]

    def _data_digest(self, seed: int) -> str:
        if seed not in self._data:
            self._data[seed] = self._subject.data_digest(seed)
        return self._data[seed]


def _wanted(experiment: Experiment, arm: str) -> frozenset[tuple[str, Split]]:
    if experiment.test.metric != "accuracy":
        return frozenset()
    sides = (experiment.test.treatment, experiment.test.control)
    return frozenset((task, s.split) for s in sides if arm in s.arms for task in s.tasks)


def _policy(tool: Tool, cpu_s: float) -> Policy:
    """Limits far above what the call should cost: they stop a runaway and never shape a result."""
    if tool.policy is not None:
        return tool.policy
    return Policy(
        trust="builtin",
        wall_s=max(_LEAST_WALL_S, _WALL_ALLOWANCE * cpu_s),
        cpu_s=max(_LEAST_CPU_S, _CPU_ALLOWANCE * cpu_s),
        memory_bytes=4096 * MIB,
    )


def _untrusted(tool: Tool, cpu_s: float, models: Mapping[str, Path]) -> Policy:
    """For code that is not of this project: a sandbox of its own, and a nearer end.

    models: those that the person brought; what is made of them is as large in 32-bit floats.
    """
    usual = tool.policy or Policy()
    sizes = [sum(f.stat().st_size for f in path.glob("*.safetensors")) for path in models.values()]
    weights = 2 * max(sizes, default=0)
    return Policy(
        trust="untrusted",
        wall_s=max(_LEAST_WALL_S, _WALL_ALLOWANCE * cpu_s),
        cpu_s=max(_LEAST_CPU_S, _CPU_ALLOWANCE * cpu_s),
        memory_bytes=4096 * MIB + weights,
        disk_bytes=usual.disk_bytes + weights,
        file_bytes=usual.file_bytes + weights,
    )


def _apart(tool: Tool, brought: bool) -> bool:
    """Whether other jobs answer. Raises BadInput where code that was brought would itself."""
    if tool.answer is None:
        if brought:
            raise BadInput(
                f"{tool.name} answers in the job that runs the code",
                "name a tool whose answers are given apart",
            )
        return False
    return brought or tool.answer.always


def _call(tool: str, arguments: Mapping[str, JsonValue]) -> str:
    return digest_of([tool, dict(arguments)])
