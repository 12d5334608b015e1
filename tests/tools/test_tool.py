"""Tools are declared once and can be called by anything that knows their schema."""

import json

import pytest

from sandbox.errors import BadInput, UnknownName
from tools.tool import all_tools, find_tool

NAMES = sorted(all_tools())


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_for_function_calling(name):
    schema = find_tool(name).schema()
    function = schema["function"]
    assert schema["type"] == "function"
    assert function["name"] == name == name.lower()
    assert 10 < len(function["description"]) < 400
    assert function["parameters"]["type"] == "object"
    assert function["parameters"]["additionalProperties"] is False
    json.dumps(schema)


@pytest.mark.parametrize("name", NAMES)
def test_bad_arguments_get_one_sentence_that_lists_the_fields(name):
    with pytest.raises(BadInput) as refusal:
        find_tool(name).check({"no_such_field": 1})
    assert name in refusal.value.what
    assert "\n" not in str(refusal.value)
    assert refusal.value.fix.startswith("fields: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_sandboxed_tool_says_what_it_costs(name):
    tool = find_tool(name)
    assert tool.place in ("sandbox", "desk")
    assert (tool.cpu_s > 0) == (tool.place == "sandbox")


def test_an_unknown_name_lists_the_known():
    with pytest.raises(UnknownName) as refusal:
        find_tool("divine")
    assert refusal.value.fix == f"known: {', '.join(NAMES)}"


def test_normal_arguments_have_every_default_so_that_equal_calls_are_equal():
    tool = find_tool("read_evidence")
    assert tool.normal({}) == tool.normal({"metric": "accuracy", "limit": 100})
    assert tool.needs({}) == ()
    assert tool.stands_for({}) == ""
