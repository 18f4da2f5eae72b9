"""Tests and commands that the docs name exist."""

import re
from pathlib import Path

import pytest

DOCS = Path("docs")


@pytest.mark.parametrize("page", ["operations.md", "threat-model.md"])
def test_each_test_named_in_docs_exists(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    existing = {
        name
        for path in Path("tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    assert named - existing == set()
    assert len(named) > 5


@pytest.mark.parametrize("page", ["operations.md", "threat-model.md"])
def test_each_command_named_in_docs_exists(page: str) -> None:
    from ops.cli import cli

    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"melanoma-ops ([a-z]+)", text))
    assert named <= set(cli.commands)


def test_fault_matrix_has_no_empty_cell() -> None:
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    table = text.partition("## What dies")[2].partition("|---|")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    cells, fault = [], ""
    for row in rows:
        fault = row[0] or fault
        cells.append((fault.partition(",")[0], row[1]))
        assert all(row[2:]), row
        assert re.search(r"`test_\w+`", row[4]), row
    faults = ("SIGTERM", "SIGKILL", "SIGSTOP", "network cut to Redis", "Redis restarts", "Redis at its cap")
    processes = ("worker", "bot", "folder command", "Redis")
    assert cells == [(fault, process) for fault in (*faults, "disk full", "clock jumps") for process in processes]
