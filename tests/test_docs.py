"""Pages that are generated are fresh, and pages that people write point at what exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_tables_and_the_graph_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.stale() == [], "run `make docs`"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_every_command_in_the_readme_exists() -> None:
    from typer.core import TyperGroup
    from typer.main import get_command

    from agent.cli import app

    whole = get_command(app)
    assert isinstance(whole, TyperGroup)
    known = set(whole.commands)
    used = set(re.findall(r"^\./hanji ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert used
    assert used <= known
