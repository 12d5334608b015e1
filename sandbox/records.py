"""The typed lines of a run's ledger: what every other package reads and writes.

Ids are short hex digests of what they name, so writing the same fact twice is recognised. Times are
in seconds, sizes in bytes, accuracies in [0, 1].
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Split = Literal["dev", "test"]
Seam = Literal["block", "merge_method", "objective", "task"]
"""What a file of code adds to: blocks of architectures, methods of merging, objectives, tasks."""
CODE_FOLDERS: Mapping[Seam, str] = MappingProxyType(
    {
        "block": "blocks",
        "merge_method": "methods",
        "objective": "objectives",
        "task": "task_files",
    }
)
"""Where such files lie below a run's folder and a job's inputs, and stand in run.json."""
Ruling = Literal["supported", "refuted", "inconclusive"]
Relation = Literal[
    "", "debug", "improve", "ablate", "replicate", "generalise", "promote", "mutate", "cross"
]
"""How a hypothesis follows from its parent; empty for a first question (a draft)."""
ClaimKind = Literal["superiority", "equivalence", "null", "descriptive"]


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values, equal text. Refuses NaN and infinities."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(value: object) -> str:
    """SHA-256, in hex, of the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def short_id(value: object) -> str:
    """The first 12 hex digits of `digest_of`: the ids that people read."""
    return digest_of(value)[:12]


class Line(BaseModel):
    """One fact. `id` is unique within its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str


class RunLine(Line):
    """The run began: digests of run.json and topic.yaml as they were then."""

    kind: Literal["run"] = "run"
    question: str
    topic_digest: str
    settings_digest: str


class SandboxLine(Line):
    """What the sandbox enforced where the run went on: a probe at the start of a later session.

    enforced: protection -> whether an attempt against it was refused. system: the kernel's name.
    """

    kind: Literal["sandbox"] = "sandbox"
    session: int
    level: str
    confined: bool
    enforced: dict[str, bool]
    lacks: tuple[str, ...]
    system: str


class HypothesisLine(Line):
    """A statement, its numeric prediction, and what would refute it.

    parent: id of the hypothesis that it follows, or of the MemoryLine that it replicates.
    """

    kind: Literal["hypothesis"] = "hypothesis"
    family: str
    title: str
    statement: str
    rationale: str
    prediction: str
    refuted_by: str
    round: int
    parent: str = ""
    relation: Relation = ""
    cites: tuple[str, ...] = ()


class MemoryLine(Line):
    """What an earlier run beside this one answered, cited here instead of being asked again.

    hypothesis: its id there. head: digest of the last line of that run's ledger when it was read.
    seeds: of its pairs. same_code: whether its trials ran the code that this run's would. It holds
    no measured value: those are that run's.
    """

    kind: Literal["memory"] = "memory"
    run: str
    hypothesis: str
    family: str
    title: str
    statement: str
    ruling: Ruling
    seeds: tuple[int, ...]
    same_code: bool
    head: str


class PlanLine(Line):
    """A plan was frozen; `id` is the experiment's."""

    kind: Literal["plan"] = "plan"
    hypothesis: str
    plan_digest: str
    file: str
    round: int


class CallLine(Line):
    """A tool call of the mind and how it ended. `trials` are those that answered it."""

    kind: Literal["call"] = "call"
    tool: str
    arguments: dict[str, JsonValue]
    mind: str
    status: Literal["ok", "refused", "failed"]
    summary: str
    trials: tuple[str, ...] = ()


class CodeLine(Line):
    """A file that a mind wrote during the run. `file` is below the run's folder.

    lawful: it obeyed the laws and is kept; otherwise `summary` says why it was refused. card: of a
    lawful task, what run.json says of the tasks of a run.
    """

    kind: Literal["code"] = "code"
    seam: Seam
    name: str
    file: str
    file_digest: str
    author: str
    lawful: bool
    summary: str
    card: dict[str, JsonValue] = Field(default_factory=dict)


class TrialLine(Line):
    """One arm with one seed. A failed trial is kept and counted.

    found: what a search of architectures settled on, as data. answer_digests: SHA-256 of what each
    job left that only answered, from the weights that the trial's own job made; empty where one job
    did both. Times are those of all jobs. terms: SHA-256 of each job's policy and of the names of
    its read-only inputs.
    """

    kind: Literal["trial"] = "trial"
    tool: str
    arm: str
    arguments: dict[str, JsonValue]
    seed: int
    status: Literal["ok", "failed", "killed"]
    limit: str = ""
    reason: str = ""
    wall_s: float
    cpu_s: float
    memory_peak_bytes: int
    isolation: str
    code_digest: str
    data_digest: str
    result_digest: str = ""
    needs: tuple[str, ...] = ()
    cached: bool = False
    found: dict[str, JsonValue] = Field(default_factory=dict)
    answer_digests: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


class EvidenceLine(Line):
    """One sealed measured value, computed by the trusted side from a trial's predictions.

    code_digest, data_digest: the trial's. scorer_digest: SHA-256 of the code that computed the
    value; labels_digest: of the items, with their answers, that it was scored against. Both are
    empty where nothing was scored, and in the ledgers of earlier versions.
    """

    kind: Literal["evidence"] = "evidence"
    metric: str
    task: str
    split: Split
    value: float
    unit: Literal["fraction", "nats", "s", "bytes", "count", "coefficient", "number", "bits"]
    better: Literal["higher", "lower", "neither"] = "higher"
    items: int
    correct: int = -1
    arm: str
    seed: int
    trial: str
    code_digest: str
    data_digest: str
    scorer_digest: str = ""
    labels_digest: str = ""


class ComparisonLine(Line):
    """A paired test of one experiment: effect = treatment - control, mean over pairs.

    `p_support` tests effect > null_effect, `p_refute` tests effect < predicted_effect; both are
    sign-flip tests over all signs, or over random ones where `exact` is false because there are too
    many pairs. `low`, `high`: 95% bootstrap interval of the mean difference. `evidence`: every
    value used, treatment's then control's, in the order of `seeds`.
    """

    kind: Literal["comparison"] = "comparison"
    experiment: str
    hypothesis: str
    metric: str
    treatment: str
    control: str
    seeds: tuple[int, ...]
    pairs: int
    treatment_mean: float
    control_mean: float
    differences: tuple[float, ...]
    effect: float
    low: float
    high: float
    null_effect: float
    predicted_effect: float
    p_support: float
    p_refute: float
    evidence: tuple[str, ...]
    missing_seeds: tuple[int, ...] = ()
    exact: bool = True


class VerdictLine(Line):
    """The ruling on one hypothesis after Holm's correction over the run's whole family."""

    kind: Literal["verdict"] = "verdict"
    hypothesis: str
    comparison: str
    ruling: Ruling
    p_support_holm: float
    p_refute_holm: float
    alpha: float
    family_size: int
    reason: str


class ClaimLine(Line):
    """What may be said: its kind decides which verbs, its verdicts and evidence carry it."""

    kind: Literal["claim"] = "claim"
    claim: ClaimKind
    hypothesis: str
    sentence: str
    comparisons: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class NearWork(BaseModel):
    """A work near a hypothesis.

    key: to cite it by, empty when it cannot be cited. shared: the hypothesis's words that it has;
    overlap: the share of the hypothesis's words that these are, in [0, 1].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    key: str
    title: str
    year: int
    identifier: str
    shared: tuple[str, ...]
    overlap: float


class NoveltyLine(Line):
    """Which works were found near a hypothesis: never that there are no others.

    works: nearest first. searched: sources that answered; unchecked: each that did not, and why.
    """

    kind: Literal["novelty"] = "novelty"
    hypothesis: str
    status: Literal["near works found", "no near work in the sources searched", "unchecked"]
    works: tuple[NearWork, ...]
    searched: tuple[str, ...]
    unchecked: tuple[str, ...]


class PlotLine(Line):
    """A mind asked, while it explored, that the paper show these arms side by side."""

    kind: Literal["plot"] = "plot"
    metric: str
    task: str
    split: Split
    arms: tuple[str, ...]


class DecisionLine(Line):
    """The mind or a route chose something, and why. weights: scores of the alternatives."""

    kind: Literal["decision"] = "decision"
    what: str
    chosen: tuple[str, ...]
    why: str
    weights: dict[str, float] = Field(default_factory=dict)


class DeviationLine(Line):
    """What was done otherwise than the frozen plan says."""

    kind: Literal["deviation"] = "deviation"
    experiment: str
    what: str
    why: str


class CostLine(Line):
    """What a stage, a trial or a language model's answer spent.

    unpriced_tokens: those of `tokens` whose price nobody knows; they are not in `dollars`.
    """

    kind: Literal["cost"] = "cost"
    what: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    disk_bytes: int = 0
    trials: int = 0
    tokens: int = 0
    dollars: float = 0.0
    unpriced_tokens: int = 0


class FailureLine(Line):
    """Something could not be done. `stage` is a node, a trial or a tool."""

    kind: Literal["failure"] = "failure"
    stage: str
    what: str
    fix: str = ""
    trial: str = ""


class ReviewLine(Line):
    """One round of review: counts of findings, and where the round is kept."""

    kind: Literal["review"] = "review"
    round: int
    blocking: int
    major: int
    minor: int
    unchecked: int
    file: str
    file_digest: str


class PaperLine(Line):
    """The paper as published: digests of its files."""

    kind: Literal["paper"] = "paper"
    status: Literal["published", "failed-review"]
    files: dict[str, str]


AnyLine = Annotated[
    RunLine
    | SandboxLine
    | HypothesisLine
    | MemoryLine
    | PlanLine
    | CallLine
    | CodeLine
    | TrialLine
    | EvidenceLine
    | ComparisonLine
    | VerdictLine
    | ClaimLine
    | NoveltyLine
    | PlotLine
    | DecisionLine
    | DeviationLine
    | CostLine
    | FailureLine
    | ReviewLine
    | PaperLine,
    Field(discriminator="kind"),
]
