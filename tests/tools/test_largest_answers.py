"""A trial's answers in bits are accepted at every size that a task declares."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sandbox.collect import collect
from sandbox.errors import BadInput
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine
from tools.actions.train_architecture import LIMITS
from tools.architectures.subject import SIZE_OF, ArchitectureSuite
from tools.intake import MOST_RESULT_BYTES, Intake
from tools.roster import Planned
from tools.tasks.asked import MOST_LOGITS_BYTES, logits_bytes, prompts_of, said_logits
from tools.tasks.sequence import all_sequence_tasks, find_sequence_task
from tools.trial import TrialResult, TrialSpec
from tools.trial_folder import Ending, TrialFolder

IN_BITS = [name for name, task in all_sequence_tasks().items() if task.scored == "bits"]


def answered(subject: ArchitectureSuite, seed: int) -> dict[str, dict[str, list[str]]]:
    """A distribution for every asked position of the subject's tasks, drawn, not learned."""
    draw = np.random.default_rng(0)
    found: dict[str, dict[str, list[str]]] = {}
    for card in subject.cards:
        for split, items in subject.items(seed)[card.name].items():
            _, asked = prompts_of(items)
            logits = draw.normal(size=(*asked.shape, card.classes))
            found.setdefault(card.name, {})[split] = said_logits(logits, asked)
    return found


def left(result: TrialResult, trial: TrialFolder) -> int:
    """The result as a job leaves it and the sandbox collects it; its bytes."""
    work = trial.path / "work"
    work.mkdir(parents=True)
    (work / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        outputs, rejected = collect(descriptor, LIMITS, trial.path)
    finally:
        os.close(descriptor)
    assert not rejected
    return outputs["result.json"].bytes


def planned(task: str) -> Planned:
    spec = TrialSpec(tool="train", arguments={}, seed=0, code_digest="c", data_digest="d")
    wanted = frozenset({(task, "dev"), (task, "test")})
    return Planned(spec, "arm", "Arm", 0, 1.0, LIMITS, wanted=wanted)  # type: ignore[arg-type]


def taken_in(
    folder: Path, profile: str, task: str, padding: int = 0
) -> tuple[list[EvidenceLine], str, int]:
    """The evidence that an arm's answers become, why they do not, and their bytes."""
    subject, ledger = ArchitectureSuite(profile, [task]), Ledger(folder / "ledger.jsonl")
    trial, plan = TrialFolder(folder, "trial"), planned(task)
    notes = ["x" * padding] if padding else []
    result = TrialResult.model_validate({"predictions": answered(subject, 0), "notes": notes})
    size = left(result, trial)
    line = Intake(subject, ledger).record(plan, Ending(verdict="ok", isolation="none"), trial)
    found = [e for e in ledger.lines(EvidenceLine) if e.metric == "bits"]
    return found, line.reason, size


@pytest.mark.slow
@pytest.mark.parametrize("task", IN_BITS)
@pytest.mark.parametrize("profile", sorted(SIZE_OF))
def test_answers_in_bits_are_accepted(profile: str, task: str, tmp_path: Path) -> None:
    found, reason, size = taken_in(tmp_path, profile, task)
    assert reason == ""
    assert sorted(line.split for line in found) == ["dev", "test"]
    declared = find_sequence_task(task).sizes[SIZE_OF[profile]]
    assert all(line.value > np.log2(declared.classes) for line in found)
    sequences = declared.dev + declared.test
    room = logits_bytes(sequences, sequences * declared.length, declared.classes)
    assert 0.95 * room < size < room + 1000


@pytest.mark.slow
def test_the_largest_answers_need_the_further_room_and_nothing_else_may_use_it(
    tmp_path: Path,
) -> None:
    found, _, size = taken_in(tmp_path / "all", "long", "text")
    assert found
    assert size > MOST_RESULT_BYTES
    found, reason, size = taken_in(tmp_path / "more", "long", "text", padding=9 << 20)
    assert size > logits_bytes(220, 220 * 256, 105) + MOST_RESULT_BYTES
    assert not found
    assert "result.json" in reason
    assert "are allowed" in reason


def test_the_room_is_what_the_answers_take() -> None:
    for asked, classes in ((1, 2), (5, 7), (64, 105)):
        logits = np.zeros((3, asked, classes))
        said = said_logits(logits, np.ones((3, asked), dtype=bool))
        text = TrialResult(predictions={"t": {"test": said}}).model_dump_json()
        body = len(text) - len(TrialResult(predictions={"t": {"test": []}}).model_dump_json())
        assert body <= logits_bytes(3, 3 * asked, classes) <= body + 8 * 3


def test_a_task_whose_answers_would_be_too_large_is_refused_before_a_trial_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(BadInput, match="are allowed"):
        logits_bytes(1, MOST_LOGITS_BYTES, 105)
    text = find_sequence_task("text")
    grown = replace(text.sizes["paper"], dev=1000, test=1000)
    monkeypatch.setattr(
        "tools.architectures.subject.find_sequence_task",
        lambda name: replace(text, sizes={**text.sizes, "paper": grown}),
    )
    with pytest.raises(BadInput, match="512000 positions of 105 classes"):
        ArchitectureSuite("long", ["text"])
