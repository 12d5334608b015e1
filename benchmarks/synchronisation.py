"""Does a thought machine read its synchronisation better than its state? A frozen test decides.

    python -P benchmarks/synchronisation.py [FOLDER]

The family `synchronisation` of the built-in mind, on digits and as its generalisation on parity,
at size quick: plans frozen before the first trial, eight pairs on seeds that no setting was chosen
on, trials in the sandbox, an exact test, Holm over both. The folder (runs/synchronisation) keeps
the plans and the ledger; an interrupted run goes on. Writes its part of results/ctm.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent.minds.mind import DesignRequest  # noqa: E402
from agent.minds.playbook.family import Setting, find_family  # noqa: E402
from agent.minds.playbook.playbook import Playbook, idea_of  # noqa: E402
from agent.minds.playbook.relations import FOLLOW_UPS  # noqa: E402
from benchmarks.ctm import keep  # noqa: E402
from sandbox.backend import find_backend  # noqa: E402
from sandbox.executors.local import LocalExecutor  # noqa: E402
from sandbox.ledger import Ledger  # noqa: E402
from sandbox.records import (  # noqa: E402
    ComparisonLine,
    EvidenceLine,
    HypothesisLine,
    TrialLine,
    VerdictLine,
)
from tools.architectures.subject import ArchitectureSuite  # noqa: E402
from tools.compare import compare_all, rule  # noqa: E402
from tools.conduct import conduct  # noqa: E402
from tools.experiment import Experiment  # noqa: E402
from tools.freeze import freeze  # noqa: E402
from tools.workshop import TrialEvent, Workshop  # noqa: E402

TITLE = "Synchronisation against state, a frozen test"
SEEDS = tuple(range(20, 28))
ALPHA = 0.05
SUBJECT = ArchitectureSuite("quick", ("digits", "parity"))
SLOTS = 2


def hypotheses() -> Iterator[HypothesisLine]:
    """On the first task, and generalised to the second."""
    at = Setting(SUBJECT, 0)
    asked = find_family("synchronisation").think(at)
    assert asked is not None
    moved = FOLLOW_UPS[SUBJECT.domain]["generalise"](asked, at)
    assert moved is not None
    for relation, idea in (("", asked), ("generalise", moved)):
        yield HypothesisLine(
            id=f"synchronisation-on-{idea.tasks[0]}",
            family="synchronisation",
            title=idea.title,
            statement=idea.statement,
            rationale=idea.rationale,
            prediction=idea.prediction,
            refuted_by=idea.refuted_by,
            cites=idea.cites,
            relation=relation,
            round=1,
        )


def frozen(folder: Path, ledger: Ledger) -> list[Experiment]:
    """The plans, in the ledger before any trial."""
    lines = tuple(hypotheses())
    for line in lines:
        if ledger.find(HypothesisLine, line.id) is None:
            ledger.append(line)
    request = DesignRequest(lines, SUBJECT, (), SEEDS, (), 0, ALPHA, len(lines), {})
    plans = list(Playbook().design(request).experiments)
    for plan in plans:
        freeze(plan, SUBJECT, ledger, folder)
    return plans


def measured(folder: Path, ledger: Ledger, plans: list[Experiment]) -> None:
    """Every trial that the plans need and the folder lacks."""
    with LocalExecutor(find_backend("bubblewrap"), SLOTS) as executor:
        conduct(plans, SUBJECT, Workshop(executor, ledger, folder, watch=_shown))


def _shown(event: TrialEvent) -> None:
    if event.what != "started":
        print(event.done, "of", event.total, event.what, event.arm, event.seed, flush=True)


def report(ledger: Ledger, plans: list[Experiment]) -> list[str]:
    """What was predicted, measured and ruled."""
    comparisons = compare_all(plans, ledger)
    spent = sum(trial.cpu_s for trial in ledger.lines(TrialLine))
    lines = [
        f"`python -P benchmarks/synchronisation.py`, size quick, seeds {SEEDS[0]} to {SEEDS[-1]}, "
        f"{len(ledger.lines(TrialLine))} trials in {spent:.0f} CPU-seconds. Plans were frozen "
        "before the first trial. Every trial tries three rates and keeps the one that dev items "
        "choose. Test items are the fixed images and strings of the part above (of parity about "
        "30 different strings): pairs differ in weights, in the order of training, and in how "
        "often a string is asked. Differences are synchronisation less state.",
    ]
    for plan, verdict in zip(plans, rule(comparisons, plans), strict=True):
        found = next((c for c in comparisons if c.experiment == plan.id), None)
        lines += ["", *_told(plan, found, verdict, ledger)]
    return lines


def _told(
    plan: Experiment, found: ComparisonLine | None, verdict: VerdictLine, ledger: Ledger
) -> Iterator[str]:
    idea = idea_of(next(h for h in hypotheses() if h.id == plan.hypothesis), Setting(SUBJECT, 0))
    yield f"## `{idea.tasks[0]}`: {verdict.ruling}"
    yield ""
    yield f"Predicted: {idea.prediction}. Plan `{plan.id}`. {verdict.reason}"
    if found is None:
        return
    yield ""
    yield (
        f"Mean difference {found.effect:+.4f} (95% {found.low:+.4f} to {found.high:+.4f}); "
        f"after Holm over {verdict.family_size}, p of support {verdict.p_support_holm:.4f}, of "
        f"refutation {verdict.p_refute_holm:.4f}."
    )
    yield ""
    yield "| arm | parameters | rates chosen | test accuracy, by seed | mean |"
    yield "|---|---|---|---|---|"
    for arm in plan.arms:
        values = _values(ledger, arm.name, "accuracy", "test")
        tests = ", ".join(f"{value:.3f}" for value in values)
        sizes = sorted(set(_values(ledger, arm.name, "parameters")))
        rates = ", ".join(f"{rate:g}" for rate in _values(ledger, arm.name, "learning_rate"))
        shown = ", ".join(f"{size:,.0f}" for size in sizes)
        yield f"| {arm.label} | {shown} | {rates} | {tests} | {sum(values) / len(values):.4f} |"


def _values(ledger: Ledger, arm: str, metric: str, split: str = "dev") -> list[float]:
    """By seed."""
    lines = [e for e in ledger.lines(EvidenceLine) if (e.arm, e.metric) == (arm, metric)]
    return [e.value for e in sorted(lines, key=lambda e: e.seed) if e.split == split]


def main() -> None:
    """Freeze, measure, rule, keep."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "runs" / "synchronisation"
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.jsonl")
    plans = frozen(folder, ledger)
    measured(folder, ledger, plans)
    keep(TITLE, report(ledger, plans))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
