"""The check for retired terms."""

from pathlib import Path

import pytest

from checks.terms import RETIRED, check, find_retired_terms


@pytest.mark.parametrize(
    "line",
    [
        "the doorbell rings",
        "self._keeper = keeper",
        "class Together:",
        "all in hand",
        "STAND-IN",
        "in_haste = True",
        "It is mended.",
    ],
)
def test_retired_terms_are_found_in_any_case(line: str) -> None:
    (finding, *_) = find_retired_terms("a.py", line)
    assert finding.startswith("a.py:1: ")
    assert "write: " in finding


@pytest.mark.parametrize(
    "line", ["recommended settings", "during a string", "they work together", "a ring buffer", "model serving"]
)
def test_ordinary_words_are_no_findings(line: str) -> None:
    assert list(find_retired_terms("a.py", line)) == []


def test_paths_are_checked_too() -> None:
    assert list(find_retired_terms("worker/doorbell.py", "")) != []


def test_exempt_and_binary_files_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CHANGELOG.md", "picture.jpg", "page.md"):
        Path(name).write_text("the doorbell")
    assert [
        finding.partition(":")[0] for finding in check(["CHANGELOG.md", "picture.jpg", "page.md", "missing.md"])
    ] == ["page.md"]


def test_each_term_names_a_replacement() -> None:
    assert all(RETIRED.values())
