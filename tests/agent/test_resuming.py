"""What a resumed run keeps, what it refuses, and the command that runs it again."""

import pytest

from agent.facts import _command
from agent.run import _as_begun
from agent.settings import Settings
from agent.topic import Topic
from sandbox.errors import CannotResume

TOPIC = Topic(question="Does it hold at all?")


def test_what_shapes_results_stays_and_how_fast_may_change():
    began = Settings(seed=4, mind="scripted", sandbox="process", workers=1)
    now = _as_begun(Settings(workers=3, budget=60.0), began, "run")
    assert (now.seed, now.mind, now.sandbox) == (4, "scripted", "process")
    assert (now.workers, now.budget) == (3, 60.0)


def test_another_sandbox_than_the_run_was_begun_with_is_refused():
    began = Settings(sandbox="process")
    assert _as_begun(Settings(sandbox="process"), began, "run").sandbox == "process"
    with pytest.raises(CannotResume, match="begun with the sandbox 'process', not 'bubblewrap'"):
        _as_begun(Settings(sandbox="bubblewrap"), began, "run")


def test_the_command_of_a_run_repeats_what_was_asked_otherwise_than_in_its_topic():
    assert _command("x", TOPIC, Settings(seed=3)) == "hanji run x/topic.yaml --seed 3"
    flags = Settings(mind="scripted", language="ko", budget=90.0, sandbox="process")
    assert _command("x", TOPIC, flags) == (
        "hanji run x/topic.yaml --seed 0 --mind scripted --language ko --budget 90s "
        "--sandbox process"
    )
