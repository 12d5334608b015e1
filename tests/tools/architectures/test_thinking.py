"""A model that thinks in ticks as a candidate: asked, sized, priced and trained like the others."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from sandbox.errors import BadInput
from tools import worker
from tools.architectures.architecture import Architecture
from tools.architectures.bracket import bracket
from tools.architectures.certainty import answer
from tools.architectures.counts import flops_per_token, parameters
from tools.architectures.exam import Exam
from tools.architectures.foreign import Candidate, Foreign
from tools.architectures.lessons import Lesson, lessons_of, taught
from tools.architectures.matching import Ruler
from tools.architectures.neuron_matching import match_neurons
from tools.architectures.objective import find_objective
from tools.architectures.thinker import Thinker, asked_every_tick_loss, asked_tick_loss
from tools.architectures.ticks import Ticks
from tools.architectures.train import Course
from tools.measures import MEASURES
from tools.tasks.asked import items_of
from tools.tasks.sequence import find_sequence_task
from tools.tasks.task import Question, TaskView
from tools.tasks.variation import varied
from tools.tool import find_tool
from tools.trial import TrialResult

SMALL = Ticks(neurons=10, ticks=3, memory=3, hidden=2, pairs=12, action_pairs=6, width=8)
PARITY = find_sequence_task("parity").sizes["quick"]
DECODING = {"state_floats", "state_bytes"}
CALL = {
    "architecture": SMALL.model_dump(mode="json"),
    "task": "parity",
    "changes": {"train": 256, "dev": 16, "test": 24},
    "rates": [1e-3, 3e-3, 1e-2],
    "steps": 8,
    "batch": 32,
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def variant(**changes: object) -> Ticks:
    return Ticks.model_validate({**dict(SMALL), **changes})


def thinker(spec: Ticks) -> Thinker:
    torch.manual_seed(0)
    return Thinker(spec, PARITY.vocabulary, PARITY.length, PARITY.classes).eval()


def some_tokens(count: int = 6) -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randint(PARITY.vocabulary, (count, PARITY.length), generator=draw)


def run(root: Path, **changes: object) -> TrialResult:
    """A trial as the worker runs it, with the test's answers held back."""
    arguments = CALL | changes
    task = find_sequence_task(str(arguments["task"]))
    size = varied(task.sizes["quick"], CALL["changes"])
    dev, test = (items_of(task.data(part, 1, size)) for part in ("dev", "test"))
    view = TaskView(task.name, "positions", dev, tuple(Question(item.prompt) for item in test))
    folder = root / "inputs"
    (folder / "tasks").mkdir(parents=True)
    (root / "work").mkdir()
    (folder / "tasks" / f"{task.name}.json").write_text(json.dumps(asdict(view)))
    call = {"tool": "train_architecture", "arguments": arguments, "seed": 1, "tasks": [task.name]}
    (folder / "call.json").write_text(json.dumps(call))
    worker.main(folder, root / "work")
    return TrialResult.model_validate_json((root / "work" / "result.json").read_bytes())


def test_a_candidate_is_told_by_what_it_names():
    read = TypeAdapter(Candidate).validate_python
    layers = {"layers": [{"mixer": {"block": "softmax_attention"}}]}
    kinds = [Ticks, Ticks, Foreign, Architecture]
    given = [SMALL.model_dump(), {"thinker": "lstm"}, {"family": "llama"}, layers]
    assert [type(read(each)) for each in given] == kinds
    assert [type(read(read(each))) for each in given] == kinds


def test_the_first_estimate_of_a_call_follows_ticks_steps_and_rates():
    def estimate(**changes: object) -> float:
        return find_tool("train_architecture").cost_s({**CALL, **changes})

    assert estimate(steps=16) == pytest.approx(2 * estimate())
    assert estimate(rates=[1e-3]) == pytest.approx(estimate() / 3)
    assert estimate(architecture=variant(ticks=6).model_dump()) > 1.5 * estimate()
    assert estimate(architecture=variant(thinker="mlp").model_dump()) < estimate()


def test_the_lessons_share_the_steps():
    course = Course(rate=1e-3, steps=10)
    losses = [asked_every_tick_loss, asked_tick_loss]
    early = lessons_of(course, 0.7)
    assert [lesson.course.steps for lesson in early] == [7, 3]
    assert [lesson.loss for lesson in early] == losses
    assert lessons_of(course, 0.0) == (Lesson(course, asked_tick_loss),)


@pytest.mark.parametrize("most", [1, 7, 100])
@pytest.mark.parametrize("target", [0.5, 1.0, 6.5, 49.0, 1e6])
def test_a_bracket_holds_the_target(most, target):
    low, high = bracket(lambda n: float(n * n), target, most)
    assert low == 0 or low**2 < target
    assert high == 0 or (high == low + 1 and high**2 >= target)
    assert high or most**2 < target


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["machine", "lstm", "mlp"])
def test_it_says_the_answer_of_its_surest_tick_at_every_position(kind):
    model, tokens = thinker(variant(thinker=kind)), some_tokens()
    logits = model(tokens)
    assert logits.shape == (6, PARITY.length, PARITY.classes)
    wanted = answer(*model.inner(tokens))
    assert (logits.argmax(-1) == wanted[:, None]).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{"readout": "state"}, {"thinker": "lstm"}, {"thinker": "mlp"}, {"memory": 8}]
)
def test_a_rival_is_given_as_many_parameters(changes):
    ruler = Ruler("parameters", PARITY.vocabulary, PARITY.length, PARITY.classes)
    wanted = ruler.measure(SMALL)
    found = match_neurons(variant(**changes), ruler, wanted)
    assert parameters(thinker(found.architecture)) == found.reached
    assert abs(found.error) <= 0.05


@pytest.mark.slow
def test_a_size_that_no_number_of_neurons_gives_is_refused():
    ruler = Ruler("parameters", PARITY.vocabulary, PARITY.length, PARITY.classes)
    with pytest.raises(BadInput, match="no number of neurons brings the machine within 5% of 3 "):
        match_neurons(SMALL, ruler, 3)
    paired = variant(pairing="first_last", neurons=16, pairs=100)
    found = match_neurons(paired, ruler, ruler.measure(paired))
    assert found.architecture.neurons == 16
    with pytest.raises(BadInput, match="nearest"):
        match_neurons(paired, ruler, ruler.measure(paired) / 2)


@pytest.mark.slow
def test_the_operations_of_an_lstm_are_counted_as_they_are_by_hand():
    spec = variant(thinker="lstm")
    width, units, length = spec.width, spec.neurons, PARITY.length
    scene = length * (width * width + width * 2 * width)
    attention = units * width + 2 * length * width + width * width
    cell = 4 * units * (width + units)
    head = units * PARITY.classes
    by_hand = 2 * (scene + spec.ticks * (attention + cell + head))
    assert flops_per_token(thinker(spec), length) * length == pytest.approx(by_hand)


@pytest.mark.slow
def test_the_operations_of_a_machine_grow_by_those_of_a_tick():
    one, three, five = (
        flops_per_token(thinker(variant(ticks=ticks)), PARITY.length) for ticks in (1, 3, 5)
    )
    assert five - three == pytest.approx(three - one)
    spec, width = SMALL, SMALL.width
    inside = (width + spec.neurons) * 2 * spec.neurons
    private = spec.neurons * (spec.memory * 2 * spec.hidden + 2 * spec.hidden)
    asked = spec.action_pairs * width + 2 * PARITY.length * width + width * width
    tick = 2 * (inside + private + asked + spec.pairs * PARITY.classes)
    assert (three - one) / 2 * PARITY.length == pytest.approx(tick)


@pytest.mark.slow
def test_two_lessons_are_one_training():
    spec = variant(early=0.5)
    data = find_sequence_task("parity").data("train", 0, PARITY, 64)
    lessons = lessons_of(Course(rate=3e-3, steps=40, batch=16), spec.early)
    found = taught(thinker(spec), data, lessons, 0)
    assert found.steps == 40
    assert [point.step for point in found.curve] == [10, 20, 30, 40]
    seconds = [point.seconds for point in found.curve]
    assert seconds == sorted(seconds)
    assert found.seconds == pytest.approx(seconds[-1])
    far = taught(thinker(spec), data, lessons_of(Course(rate=1e6, steps=40), 0.5), 0)
    assert far.diverged
    assert far.steps < 40


@pytest.mark.slow
def test_a_trial_answers_and_leaves_out_what_it_cannot_count(tmp_path: Path):
    result = run(tmp_path)
    assert [len(result.predictions["parity"][split]) for split in ("dev", "test")] == [16, 24]
    assert set(result.predictions["parity"]["test"]) <= {"0", "1"}
    assert DECODING.isdisjoint(result.measures)
    assert {"parameters", "flops_per_token", "training_flops_per_token"} <= set(result.measures)
    assert set(result.measures) <= set(MEASURES)
    assert result.measures["parameters"] == parameters(thinker(SMALL))
    assert result.measures["rates_tried"] == 3
    assert result.steps == 8


@pytest.mark.slow
def test_a_trial_of_a_rival_is_brought_to_the_size_of_the_machine(tmp_path: Path):
    body = variant(thinker="lstm").model_dump(mode="json")
    like = {"quantity": "parameters", "like": CALL["architecture"]}
    found = run(tmp_path, architecture=body, match=like)
    assert found.measures["parameters"] == pytest.approx(parameters(thinker(SMALL)), rel=0.05)
    assert found.notes[0].startswith("matched parameters: ")


@pytest.mark.slow
def test_it_reads_images_through_its_convolutions(tmp_path: Path):
    body = variant(front="convolution").model_dump(mode="json")
    result = run(tmp_path, architecture=body, task="digits")
    assert set(result.predictions["digits"]["test"]) <= {str(digit) for digit in range(10)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": {"name": "multi_token"}}, "by the loss of its ticks"),
        ({"objective": {"name": "next_token", "parameters": {"on": "next"}}}, "of its ticks"),
        ({"match": {"quantity": "state", "target": 10}}, "cannot decode"),
        ({"match": {"quantity": "parameters", "target": 3000, "knob": "width"}}, "neurons are"),
    ],
)
def test_a_wrong_call_is_one_sentence(tmp_path: Path, changes, words):
    with pytest.raises(BadInput, match=words):
        run(tmp_path, **changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mqar", "compression", "text", "life"])
def test_a_task_that_asks_more_than_once_is_refused(name):
    task = find_sequence_task(name)
    size = task.sizes["quick"]
    exam = Exam.of(task, size, task.data("train", 0, size, 4))
    with pytest.raises(BadInput, match="answers a sequence once"):
        exam.candidate(find_objective("next_token").make(), SMALL)


@pytest.mark.slow
def test_an_untrained_thinker_is_as_wrong_as_a_guess():
    exam = Exam.of(find_sequence_task("parity"), PARITY, _data())
    found = exam.fit(thinker(SMALL), _data())
    assert found.cross_entropy == pytest.approx(math.log(2), abs=0.2)


def _data():
    return find_sequence_task("parity").data("dev", 0, PARITY)
