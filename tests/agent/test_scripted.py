import pytest

from agent.minds.mind import ActRequest, InterpretRequest, SurveyRequest, find_mind
from agent.minds.scripted import read_script
from agent.settings import read_settings
from sandbox.errors import BadInput, MindFailed
from tools.merging.miniature import Miniature

SUBJECT = Miniature("quick")


def scripted_by(tmp_path, text):
    path = tmp_path / "script.yaml"
    path.write_text(text, encoding="utf-8")
    settings = read_settings(None, {"script": str(path)}, {}, tmp_path / "none")
    return find_mind("scripted", settings)


def interpret_request(round_):
    return InterpretRequest("q", SUBJECT, round_, 1, 1.0, lambda a, s: 0.0, (), (0,), (), 9, 0)


def test_a_script_answers_round_by_round_and_then_ends(tmp_path):
    mind = scripted_by(tmp_path, "interpret: [{again: true, why: more}]\nact: [{calls: []}]")
    assert mind.interpret(interpret_request(1)).again
    assert not mind.interpret(interpret_request(2)).again
    assert mind.act(ActRequest(2, ())).calls == ()


def test_what_the_script_leaves_out_is_an_error_unless_another_mind_is_named(tmp_path):
    request = SurveyRequest("Does merging work?", SUBJECT)
    with pytest.raises(MindFailed, match="survey"):
        scripted_by(tmp_path, "{}").survey(request)
    assert scripted_by(tmp_path, "otherwise: playbook").survey(request).calls


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("propose: 3", "propose"),
        ("survay: {}", "survay"),
        ("interpret: [{again: maybe, why: x}]", "interpret.0.again"),
        ("otherwise: oracle", "otherwise"),
        ("act: [", "not YAML"),
    ],
)
def test_a_wrong_script_is_answered_in_one_sentence(tmp_path, text, says):
    path = tmp_path / "script.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=says):
        read_script(path)


def test_the_scripted_mind_without_a_script_is_refused(tmp_path):
    with pytest.raises(BadInput, match="needs a script"):
        find_mind("scripted", read_settings(None, {}, {}, tmp_path / "none"))
