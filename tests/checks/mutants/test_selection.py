"""Which files and lines are mutated, and which mutants are known to be equivalent."""

import subprocess
from pathlib import Path

import pytest

from checks.mutants.equivalent import read_equivalent
from checks.mutants.targets import SelectionError, select_targets

FILE = Path("training/calibration/rule.py")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one file with three lines, of which the second was changed since the only commit."""
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text("a = 1\nb = 2\nc = 3\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "a"]):
        subprocess.run([*git, *arguments], check=True)
    path.write_text("a = 1\nb = 5\nc = 3\n")
    return tmp_path


def test_range_selects_the_lines_that_changed(repository: Path) -> None:
    (target,) = select_targets(repository, ["HEAD.."])
    assert (target.path, target.lines) == (FILE, frozenset({2}))


@pytest.mark.parametrize("arguments", [[], [str(FILE)], ["training/calibration"], ["training"]])
def test_file_and_folder_select_all_lines(repository: Path, arguments: list[str]) -> None:
    (target,) = select_targets(repository, arguments)
    assert (target.path, target.lines) == (FILE, None)


@pytest.mark.parametrize("argument", ["training/absent.py", "no-such-commit..", "HEAD..no-such-commit"])
def test_what_cannot_be_mutated_is_refused_with_its_name(repository: Path, argument: str) -> None:
    with pytest.raises(SelectionError, match=argument.strip(".").rpartition("..")[2]):
        select_targets(repository, [argument])


def test_equivalent_mutants_are_found_by_their_line_and_stale_entries_named(tmp_path: Path) -> None:
    path = tmp_path / "equivalent.toml"
    path.write_text('[[mutant]]\nfile = "a.py"\nline = "x = 1"\nchanges = ["one", "two"]\nreason = "same"\n')
    equivalent = read_equivalent(path)
    assert ("a.py", "    x = 1", "one") in equivalent
    assert ("b.py", "x = 1", "one") not in equivalent
    assert equivalent.stale([("a.py", "    x = 1", "one")]) == ["a.py: x = 1: two"]
    assert equivalent.stale([("b.py", "x = 1", "one")]) == []


@pytest.mark.parametrize("entry", ['file = "a.py"', 'file = "a"\nline = "b"\nchanges = ["c"]\nreason = " "'])
def test_entry_without_a_reason_is_refused(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "equivalent.toml"
    path.write_text(f"[[mutant]]\n{entry}\n")
    with pytest.raises(ValueError, match="mutant 1"):
        read_equivalent(path)


def test_shipped_list_can_be_read() -> None:
    read_equivalent(Path("checks/mutants/equivalent.toml"))
