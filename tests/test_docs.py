"""Tests and commands that the docs name exist."""

import re
from pathlib import Path

import pytest

DOCS = Path("docs")

#: Paths of files that a reader would add.
_EXAMPLE_PATHS = {"bot/locales/xx.ftl"}


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
    faults = (
        "SIGTERM",
        "SIGKILL",
        "SIGSTOP",
        "memory used up",
        "network cut to Redis",
        "Redis restarts",
        "Redis at its cap",
        "disk full",
        "Redis fails over",
        "clock jumps",
    )
    processes = ("worker", "bot", "folder command", "Redis")
    assert cells == [(fault, process) for fault in faults for process in processes]


@pytest.mark.parametrize("page", sorted(Path().glob("*.md")) + sorted(DOCS.rglob("*.md")), ids=str)
def test_each_path_named_in_docs_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    package = r"(?:bot|bulk|worker|runtimes|shared|training|ops|local|simulator|samples|benchmarks|checks|tests)"
    named = set(re.findall(rf"`({package}/[\w./]+)`", text)) - _EXAMPLE_PATHS
    links = set(re.findall(r"\]\(([\w./-]+)\)", text))
    assert {path for path in named if not Path(path).exists()} == set()
    assert {link for link in links if not (page.parent / link).exists()} == set()
