"""Docs that name tests name tests that exist."""

import re
from pathlib import Path

import pytest

DOCS = Path("docs")


@pytest.mark.parametrize("page", ["operations.md", "threat-model.md"])
def test_each_test_that_is_named_exists(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    there = {
        name
        for path in Path("tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    assert named - there == set()
    assert len(named) > 5


@pytest.mark.parametrize("page", ["operations.md", "threat-model.md"])
def test_each_command_that_is_named_exists(page: str) -> None:
    from ops.cli import cli

    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"melanoma-ops ([a-z]+)", text))
    assert named <= set(cli.commands)
