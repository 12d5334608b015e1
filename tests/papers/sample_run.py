"""A synthetic run, written with the real records: what conduct, compare and a mind would have left
behind.

Its accuracies follow the miniature's measured table (eight seeds); nothing here was trained.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from papers.bibliography import Reference
from papers.manuscript import Manuscript
from sandbox.ledger import Ledger
from sandbox.records import (
    CallLine,
    ClaimLine,
    ComparisonLine,
    CostLine,
    DecisionLine,
    DeviationLine,
    EvidenceLine,
    FailureLine,
    HypothesisLine,
    PlanLine,
    RunLine,
    TrialLine,
    VerdictLine,
    short_id,
)
from tests.papers.sample_manuscript import sample_manuscript
from tools.compare import interval
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.trial import TrialSpec

SEEDS = tuple(range(8))
PRIMARY = "largest.ko"
GROUPS = (*(f"{part}.{layer}" for layer in range(3) for part in ("attention", "mlp")), "rest")
CODE = hashlib.sha256(b"the code").hexdigest()
DATA = hashlib.sha256(b"the data").hexdigest()
POINTS = (1, 2, 5, 10, 25, 50, 100, 150, 200, 250, 300)
TEST_ITEMS, DEV_ITEMS = 2000, 300

# arm -> label, tool, arguments, role, accuracy on the primary task for each seed
ARMS: dict[str, tuple[str, str, dict[str, Any], str, tuple[float, ...]]] = {
    "base": ("Base", "evaluate", {"model": "base"}, "baseline",
             (.272, .158, .162, .254, .159, .157, .168, .233)),
    "skill-expert": ("Skill expert", "evaluate", {"model": "skill"}, "baseline",
                     (.857, .435, .421, .659, .682, .234, .0, .286)),
    "language-expert": ("Language expert", "evaluate", {"model": "language"}, "baseline",
                        (.251, .159, .167, .255, .182, .146, .161, .235)),
    "joint": ("Joint training", "evaluate", {"model": "joint"}, "baseline",
              (.620, .179, .194, .461, .751, .298, .721, .326)),
    "uniform": ("Uniform average", "merge", {"method": "linear", "weight": 0.5}, "baseline",
                (.463, .261, .340, .562, .562, .350, .312, .623)),
    "ties": ("TIES", "merge", {"method": "ties", "density": 0.5}, "baseline",
             (.512, .301, .372, .590, .601, .410, .295, .640)),
    "task-arithmetic": ("Task arithmetic, tuned", "search", {"strategy": "grid", "points": 49},
                        "control", (.919, .721, .748, .934, .937, .894, .522, .929)),
    "random-search": ("Random search", "search", {"strategy": "random", "evaluations": 300},
                      "control", (.952, .845, .895, .952, .982, .933, .890, .958)),
    "evolve": ("Evolved (CMA-ES)", "search",
               {"strategy": "evolve", "evaluations": 300, "sigma": 0.25, "population": 12},
               "treatment", (.957, .870, .908, .982, .993, .969, .955, .967)),
    "finetune": ("Fine-tuned skill expert", "finetune", {"model": "skill", "steps": 60},
                 "baseline", (.987, .981, .979, .990, .991, .985, .960, .988)),
}  # fmt: skip
OTHER_TASKS: dict[str, dict[str, tuple[float, ...]]] = {
    "largest.en": {
        "base": (.21,) * 8, "skill-expert": (.993, .988, .991, .996, .985, .979, .982, .990),
        "language-expert": (.20,) * 8, "joint": (.99,) * 8, "uniform": (.61,) * 8, "ties": (.64,) *
        8,
        "task-arithmetic": (.71,) * 8, "random-search": (.52,) * 8,
        "evolve": (.412, .655, .283, .960, .105, .517, .331, .248), "finetune": (.77,) * 8,
    },
    "copy.ko": {
        "base": (.97,) * 8, "skill-expert": (.31,) * 8, "language-expert": (.998,) * 8,
        "joint": (.995,) * 8, "uniform": (.82,) * 8, "ties": (.80,) * 8,
        "task-arithmetic": (.66,) * 8, "random-search": (.30,) * 8,
        "evolve": (.431, .213, .072, .288, .190, .355, .264, .147), "finetune": (.41,) * 8,
    },
}  # fmt: skip
FAILED = ("ties", 3)


def sample_run(
    folder: Path,
) -> tuple[Ledger, dict[str, Any], dict[str, Any], Manuscript, tuple[Reference, ...]]:
    """Write the run's folder; return its ledger, run.json, plans (id -> frozen plan), a paper, its
    references.

    The first call of a process writes the run, later ones copy it.
    """
    template, comparisons, experiments = _template()
    shutil.copytree(template, folder, dirs_exist_ok=True)
    facts = json.loads((folder / "run.json").read_text())
    plans = {e.id: e.model_dump(mode="json") for e in experiments}
    manuscript = sample_manuscript(facts, comparisons, experiments)
    return Ledger(folder / "ledger.jsonl"), facts, plans, manuscript, sample_references()


@functools.cache
def _template() -> tuple[Path, list[ComparisonLine], list[Experiment]]:
    folder = Path(tempfile.mkdtemp(prefix="hanji-sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    facts = sample_facts()
    (folder / "run.json").write_text(json.dumps(facts, indent=2))
    (folder / "topic.yaml").write_text(f"question: {facts['question']}\ndomain: merging\n")
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append(
        RunLine(
            id=facts["id"],
            question=facts["question"],
            topic_digest=_sha((folder / "topic.yaml").read_bytes()),
            settings_digest=_sha((folder / "run.json").read_bytes()),
        )
    )
    experiments = _hypotheses_and_plans(folder, ledger)
    trials = {(arm, seed): _trial(folder, ledger, arm, seed) for seed in SEEDS for arm in ARMS}
    evidence = _evidence(ledger, trials)
    comparisons = [_comparison(ledger, e, evidence) for e in experiments]
    _verdicts(ledger, comparisons)
    _account(ledger, experiments, trials)
    return folder, comparisons, experiments


def sample_facts() -> dict[str, Any]:
    """run.json as the agent writes it."""
    return {
        "id": "20261122-two-language-miniature-5a3c",
        "question": "Can evolution compose a skill and a language that no parent combines?",
        "title_hint": "Composing a skill and a language by merging",
        "started_at": "2026-11-22T21:04:11+00:00",
        "seed": 0,
        "mind": {"name": "playbook", "description": "the built-in mind, without a network"},
        "versions": {"hanji": "0.1.0", "python": "3.11.2", "torch": "2.13.0"},
        "machine": {
            "cpu": "AMD EPYC 7B13", "cores": 2, "memory_bytes": 8 * 2**30, "gpu": "none",
            "os": "Debian GNU/Linux 12",
        },
        "budget": {
            "wall_s": 360.0, "trials": 200, "cpu_s": 720.0, "gpu_s": 0.0, "disk_bytes": 2 * 2**30,
        },
        "sandbox": {
            "backend": "bubblewrap", "level": "namespaces+seccomp", "confined": True,
            "capabilities": {
                "network_off": True, "read_only_system": True, "not_root": True,
                "memory_limit": True, "disk_limit": True, "process_limit": True,
            },
        },
        "subject": {
            "name": "miniature", "description": "two-language miniature of a Llama model",
            "caveat": "",
            "pairing": "every seed trains its own base model and both experts",
            "primary": PRIMARY, "kept": ["largest.en", "copy.ko"], "groups": list(GROUPS),
            "roles": [
                {"name": "base", "label": "Base", "kind": "base", "skilled_in": [],
                 "description": "copy, successor and bigger in both languages"},
                {"name": "skill", "label": "Skill expert", "kind": "parent",
                 "skilled_in": ["largest.en"], "description": "largest, in English only"},
                {"name": "language", "label": "Language expert", "kind": "parent",
                 "skilled_in": ["copy.ko"], "description": "the base tasks, in Korean only"},
                {"name": "joint", "label": "Joint training", "kind": "reference",
                 "skilled_in": ["largest.en", "copy.ko"], "description": "both mixtures"},
            ],
            "tasks": [
                {"name": name, "label": label, "kind": "multiple_choice", "chance": 1 / 24,
                 "description": what, "source": "generated", "dev_items": DEV_ITEMS,
                 "test_items": TEST_ITEMS}
                for name, label, what in (
                    (PRIMARY, "largest, Korean", "the largest of six numbers, in Korean"),
                    ("largest.en", "largest, English", "the largest of six numbers, in English"),
                    ("copy.ko", "copy, Korean", "the first of six numbers, in Korean"),
                )
            ],
        },
        "alpha": 0.05, "family_size": 4, "language": "en", "command": "hanji demo",
    }  # fmt: skip


def _hypotheses_and_plans(folder: Path, ledger: Ledger) -> list[Experiment]:
    (folder / "plans").mkdir(exist_ok=True)
    experiments = []
    for family, title, statement, prediction, refuted_by, test in _designs():
        hypothesis = HypothesisLine(
            id=short_id({"family": family}), family=family, title=title, statement=statement,
            rationale="Task vectors of experts of one base add.", prediction=prediction,
            refuted_by=refuted_by, round=1, cites=("akiba2025evolutionary",),
        )  # fmt: skip
        ledger.append(hypothesis)
        experiment = Experiment(
            hypothesis=hypothesis.id, subject="miniature", seeds=SEEDS, test=test,
            arms=tuple(
                Arm(name=name, label=label, tool=tool, arguments=arguments, role=role)
                for name, (label, tool, arguments, role, _) in ARMS.items()
            ),
        )  # fmt: skip
        file = f"plans/{experiment.id}.json"
        (folder / file).write_text(experiment.model_dump_json(indent=2))
        ledger.append(
            PlanLine(id=experiment.id, hypothesis=hypothesis.id, plan_digest=experiment.digest,
                     file=file, round=1)
        )  # fmt: skip
        experiments.append(experiment)
    return experiments


def _designs() -> list[tuple[str, str, str, str, str, PairedTest]]:
    evolve = Side(label="Evolved (CMA-ES)", arms=("evolve",), tasks=(PRIMARY,))

    def test(treatment: Side, control: Side, null: float, predicted: float) -> PairedTest:
        return PairedTest(treatment=treatment, control=control, null_effect=null,
                          predicted_effect=predicted, family_size=4)  # fmt: skip

    return [
        ("composed-skill", "A merge has a skill that neither parent has",
         "The evolved merge beats the better parent in the target language.",
         "an advantage of at least the predicted effect", "an advantage below it",
         test(evolve, Side(label="better parent", arms=("skill-expert", "language-expert"),
                           tasks=(PRIMARY,)), 0.0, 0.1)),
        ("evolution-beats-grid", "Layer-wise evolution beats tuned task arithmetic",
         "Layer-wise coefficients beat two global ones at equal evaluations.",
         "an advantage of at least the predicted effect", "an advantage below it",
         test(evolve, Side(label="Task arithmetic, tuned", arms=("task-arithmetic",),
                           tasks=(PRIMARY,)), 0.0, 0.03)),
        ("evolution-beats-random", "Evolution beats random search at equal evaluations",
         "The search strategy, not only the number of evaluations, matters.",
         "an advantage of at least the predicted effect", "an advantage below it",
         test(evolve, Side(label="Random search", arms=("random-search",), tasks=(PRIMARY,)),
              0.0, 0.03)),
        ("merge-keeps-skills", "A merge keeps what its parents knew",
         "The evolved merge stays within ten points of the skill expert in its own language.",
         "a loss of at most five points", "a larger loss",
         test(Side(label="Evolved (CMA-ES)", arms=("evolve",), tasks=("largest.en",)),
              Side(label="Skill expert", arms=("skill-expert",), tasks=("largest.en",)),
              -0.1, -0.05)),
    ]  # fmt: skip


def _trial(folder: Path, ledger: Ledger, arm: str, seed: int) -> TrialLine:
    _, tool, arguments, _, _ = ARMS[arm]
    spec = TrialSpec(tool=tool, arguments=arguments, seed=seed, code_digest=CODE, data_digest=DATA)
    failed = (arm, seed) == FAILED
    result_digest = ""
    if not failed:
        file = folder / "trials" / spec.id / "result.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('{"evaluations": 300}')
        result_digest = _sha(file.read_bytes())
    line = TrialLine(
        id=spec.id, tool=tool, arm=arm, arguments=arguments, seed=seed,
        status="killed" if failed else "ok", limit="wall" if failed else "",
        reason="over its wall limit of 20 s" if failed else "",
        wall_s=20.0 if failed else 1.5 + 0.2 * seed + len(arm) / 10,
        cpu_s=19.0 if failed else 1.4 + 0.2 * seed + len(arm) / 10,
        memory_peak_bytes=410 * 2**20 + seed, isolation="bubblewrap", code_digest=CODE,
        data_digest=DATA, result_digest=result_digest, cached=arm == "base" and seed == 0,
    )  # fmt: skip
    ledger.append(line)
    return line


def _evidence(
    ledger: Ledger, trials: Mapping[tuple[str, int], TrialLine]
) -> dict[tuple[str, int, str], EvidenceLine]:
    """The test accuracies, by arm, seed and task; also writes searches, coefficients, costs."""
    found = {}
    for (arm, seed), trial in trials.items():
        if trial.status != "ok":
            continue
        for task in (PRIMARY, *OTHER_TASKS):
            values = ARMS[arm][4] if task == PRIMARY else OTHER_TASKS[task][arm]
            found[arm, seed, task] = _measure(ledger, trial, "accuracy", task, values[seed])
        if ARMS[arm][1] == "search":
            _search_evidence(ledger, trial, ARMS[arm][4][seed])
    return found


def _search_evidence(ledger: Ledger, trial: TrialLine, final: float) -> None:
    most = 49 if trial.arm == "task-arithmetic" else 300
    speed = {"evolve": 0.03, "random-search": 0.05, "task-arithmetic": 0.2}[trial.arm]
    for n in (*(p for p in POINTS if p < most), most):
        best = 0.3 + (final - 0.3) * (1 - (1 + n * speed) ** -1)
        _measure(ledger, trial, f"best:{n}", PRIMARY, best, "dev")
    _value(ledger, trial, "evaluations", PRIMARY, float(most), "count")
    _value(ledger, trial, "cpu_s", PRIMARY, trial.cpu_s, "s", "lower")
    for role in ("skill", "language"):
        for place, group in enumerate(GROUPS):
            tilt = place / 6 if role == "language" else 1 - place / 12
            weight = round(0.3 + 0.7 * tilt + 0.02 * trial.seed, 4)
            _value(ledger, trial, f"coefficient:{role}/{group}", PRIMARY, weight, "coefficient",
                   "neither")  # fmt: skip


def _measure(
    ledger: Ledger, trial: TrialLine, metric: str, task: str, value: float, split: str = "test"
) -> EvidenceLine:
    items = TEST_ITEMS if split == "test" else DEV_ITEMS
    correct = round(value * items)
    return _seal(ledger, trial, metric=metric, task=task, split=split, value=correct / items,
                 unit="fraction", items=items, correct=correct)  # fmt: skip


def _value(
    ledger: Ledger, trial: TrialLine, metric: str, task: str, value: float, unit: str,
    better: str = "lower",
) -> EvidenceLine:  # fmt: skip
    return _seal(ledger, trial, metric=metric, task=task, split="dev", value=value, unit=unit,
                 better=better, items=1)  # fmt: skip


def _seal(ledger: Ledger, trial: TrialLine, **fields: Any) -> EvidenceLine:
    body = {**fields, "arm": trial.arm, "seed": trial.seed, "trial": trial.id,
            "code_digest": CODE, "data_digest": DATA}  # fmt: skip
    line = EvidenceLine(id=short_id(body), **body)
    ledger.append(line)
    return line


def _comparison(
    ledger: Ledger, experiment: Experiment, evidence: Mapping[tuple[str, int, str], EvidenceLine]
) -> ComparisonLine:
    line = compared(experiment, evidence, SEEDS)
    ledger.append(line)
    return line


def compared(
    experiment: Experiment,
    evidence: Mapping[tuple[str, int, str], EvidenceLine],
    seeds: tuple[int, ...],
) -> ComparisonLine:
    """The plan's test over these seeds. evidence: by arm, seed and task."""
    test = experiment.test

    def best(side: Side, seed: int) -> EvidenceLine:
        return max((evidence[arm, seed, side.tasks[0]] for arm in side.arms), key=lambda e: e.value)

    treated = [best(test.treatment, seed) for seed in seeds]
    controls = [best(test.control, seed) for seed in seeds]
    differences = [t.value - c.value for t, c in zip(treated, controls, strict=True)]
    effect = sum(differences) / len(differences)
    low, high = interval(differences)
    return ComparisonLine(
        id=short_id({"comparison": experiment.id}), experiment=experiment.id,
        hypothesis=experiment.hypothesis, metric="accuracy", treatment=test.treatment.label,
        control=test.control.label, seeds=seeds, pairs=len(seeds),
        treatment_mean=sum(e.value for e in treated) / len(seeds),
        control_mean=sum(e.value for e in controls) / len(seeds), differences=tuple(differences),
        effect=effect, low=low, high=high,
        null_effect=test.null_effect, predicted_effect=test.predicted_effect,
        p_support=_sign_flip([d - test.null_effect for d in differences]),
        p_refute=_sign_flip([test.predicted_effect - d for d in differences]),
        evidence=tuple(e.id for e in (*treated, *controls)),
    )  # fmt: skip


def _sign_flip(differences: list[float]) -> float:
    observed = sum(differences)
    flips = itertools.product((1, -1), repeat=len(differences))
    sums = [sum(s * d for s, d in zip(signs, differences, strict=True)) for signs in flips]
    return sum(s >= observed - 1e-12 for s in sums) / len(sums)


def _verdicts(ledger: Ledger, comparisons: list[ComparisonLine]) -> None:
    support = _holm([c.p_support for c in comparisons])
    refute = _holm([c.p_refute for c in comparisons])
    for line, up, down in zip(comparisons, support, refute, strict=True):
        ruling = "inconclusive"
        if up < 0.05 and line.effect >= line.predicted_effect:
            ruling = "supported"
        elif down < 0.05:
            ruling = "refuted"
        verdict = VerdictLine(
            id=short_id({"verdict": line.id}), hypothesis=line.hypothesis, comparison=line.id,
            ruling=ruling, p_support_holm=up, p_refute_holm=down, alpha=0.05, family_size=4,
            reason=f"the frozen rule reads {ruling}",
        )  # fmt: skip
        ledger.append(verdict)
        ledger.append(
            ClaimLine(
                id=short_id({"claim": line.id}),
                claim="superiority" if ruling == "supported" else "null",
                hypothesis=line.hypothesis, sentence=f"{line.treatment} against {line.control}",
                comparisons=(line.id,), verdicts=(verdict.id,), evidence=line.evidence,
            )
        )  # fmt: skip


def _holm(values: list[float]) -> list[float]:
    adjusted, worst = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
        worst = max(worst, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = worst
    return adjusted


def _account(
    ledger: Ledger,
    experiments: list[Experiment],
    trials: Mapping[tuple[str, int], TrialLine],
) -> None:
    """What the run spent, decided, called, and what went wrong."""
    killed = trials[FAILED]
    ledger.append(FailureLine(id="failure-1", stage="trial", what=killed.reason, trial=killed.id))
    ledger.append(
        DeviationLine(id="deviation-1", experiment=experiments[0].id,
                      what="one trial of the arm ties is missing", why=killed.reason)
    )  # fmt: skip
    ledger.append(
        DecisionLine(id="decision-1", what="families of round 1",
                     chosen=tuple(e.hypothesis for e in experiments), why="most information",
                     weights={e.hypothesis: 0.5 for e in experiments})
    )  # fmt: skip
    ledger.append(
        CallLine(id="call-1", tool="search", arguments=ARMS["evolve"][2], mind="playbook",
                 status="ok", summary="8 trials", trials=(trials["evolve", 0].id,))
    )  # fmt: skip
    for trial in trials.values():
        ledger.append(
            CostLine(id=f"cost-{trial.id}", what=f"trial {trial.id}", wall_s=trial.wall_s,
                     cpu_s=trial.cpu_s, trials=1)
        )  # fmt: skip


def sample_references() -> tuple[Reference, ...]:
    """A few entries of the embedded library, as the agent hands them over."""
    return tuple(_reference(*entry) for entry in _WORKS)


def _reference(
    key: str, title: str, authors: tuple[str, ...], year: int, venue: str, arxiv: str
) -> Reference:
    lines = [
        f"  title = {{{title}}}",
        f"  author = {{{' and '.join(authors)}}}",
        f"  year = {{{year}}}",
        f"  journal = {{{venue}}}",
    ]
    if arxiv:
        lines.append(f"  eprint = {{{arxiv}}}")
    bibtex = f"@article{{{key},\n" + ",\n".join(lines) + "\n}"
    identifier = f"arXiv:{arxiv}" if arxiv else ""
    return Reference(key, title, authors, year, venue, identifier, bibtex)


_WORKS = (
    ("akiba2025evolutionary", "Evolutionary Optimization of Model Merging Recipes",
     ("Akiba, Takuya", "Shing, Makoto", "Tang, Yujin", "Sun, Qi", "Ha, David"), 2025,
     "Nature Machine Intelligence", "2403.13187"),
    ("ilharco2023editing", "Editing Models with Task Arithmetic",
     ("Ilharco, Gabriel", "Ribeiro, Marco Tulio", "Wortsman, Mitchell"), 2023,
     "International Conference on Learning Representations", "2212.04089"),
    ("yadav2023ties", "TIES-Merging: Resolving Interference When Merging Models",
     ("Yadav, Prateek", "Tam, Derek", "Choshen, Leshem", "Raffel, Colin", "Bansal, Mohit"), 2023,
     "Advances in Neural Information Processing Systems", "2306.01708"),
    ("wortsman2022soups", "Model Soups: Averaging Weights of Multiple Fine-Tuned Models",
     ("Wortsman, Mitchell", "Ilharco, Gabriel"), 2022,
     "International Conference on Machine Learning", "2203.05482"),
    ("hansen2016tutorial", "The CMA Evolution Strategy: A Tutorial", ("Hansen, Nikolaus",), 2016,
     "arXiv preprint", "1604.00772"),
    ("holm1979simple", "A Simple Sequentially Rejective Multiple Test Procedure",
     ("Holm, Sture",), 1979, "Scandinavian Journal of Statistics", ""),
)  # fmt: skip


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
