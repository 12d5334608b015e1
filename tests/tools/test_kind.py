"""The kinds of code that may be brought: one entry each, and nothing that knows only some."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from agent.code_commands import groups
from agent.coherence import OF_ARCHITECTURES, OF_MERGING
from agent.lab_tools import LAB_TOOLS
from agent.own_code import FAMILIES
from agent.topic import Topic
from sandbox.errors import BadInput
from sandbox.records import CODE_FOLDERS, Seam
from tools.actions.check_laws import arguments_of
from tools.architectures.subject import ArchitectureSuite
from tools.kind import KINDS, Kind
from tools.merging.miniature import Miniature
from tools.merging.own_models import OwnModels
from tools.tool import NamedCode, all_tools, find_tool


def test_the_ledger_and_the_topic_know_every_kind_and_no_other() -> None:
    assert set(KINDS) == set(get_args(Seam))
    assert {seam: kind.setting for seam, kind in KINDS.items()} == CODE_FOLDERS
    assert {kind.setting for kind in KINDS.values()} <= set(Topic.model_fields)


def test_each_domain_takes_its_own_kinds() -> None:
    assert set(ArchitectureSuite.seams) == {"block", "objective", "task"}
    assert Miniature.seams == OwnModels.seams == ("merge_method",)
    for kind in KINDS.values():
        of = {"architectures": OF_ARCHITECTURES, "merging": OF_MERGING}
        assert kind.setting in of.pop(kind.domain)
        assert kind.setting not in of.popitem()[1]


def test_each_kind_has_its_command_and_its_writer() -> None:
    assert [name for name, _ in groups()] == ["blocks", "methods", "objectives", "tasks"]
    writers = [found.tool.name for found in LAB_TOOLS if found.seam]
    assert writers == ["write_block", "write_merge_method", "write_objective", "write_task"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.seam)
def test_all_that_an_entry_names_is_there(kind: Kind, tmp_path: Path) -> None:
    grammar = kind.how_written()
    assert (grammar.noun, grammar.decorator) == (kind.noun, kind.decorator)
    assert kind.built_in()
    assert isinstance(dict(kind.known()), dict)
    assert (files("agent.prompts") / f"{kind.prompt}.md").is_file()
    assert bool(FAMILIES[kind.seam]) == kind.asked_about
    with pytest.raises(BadInput, match=f"the {kind.noun}'s file .* does not exist"):
        kind.read(tmp_path / "none.py")
    assert bool(kind.inside) != bool(kind.outside)
    assert (kind.check in all_tools()) == bool(kind.inside)
    if kind.outside:
        assert callable(kind.try_outside())
    named = [tool for tool in all_tools().values() if kind.argument in tool.arguments.model_fields]
    assert named, "no tool takes such files"


def test_a_law_check_names_the_file_that_it_runs() -> None:
    for kind in (kind for kind in KINDS.values() if kind.inside):
        given = {kind.short: "mine", "digest": "a" * 64}
        assert find_tool(kind.check).code(given) == (NamedCode(kind.seam, "mine", "a" * 64),)
        assert list(arguments_of(kind).model_fields) == [kind.short, "digest"]
        with pytest.raises(BadInput, match="digest"):
            find_tool(kind.check).check(given | {"digest": "short"})
