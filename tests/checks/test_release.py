"""`make release-check` finds what is wrong in a copy of the checkout, and writes valid bills of materials."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from checks.release import __main__ as release

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("CHANGELOG.md", "Makefile", "docker-compose.yml", "pyproject.toml", "requirements.txt")

found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
assert found
VERSION: Final = found[1]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files that are checked, as those of a finished release. It is the working directory."""
    for name in COPIED:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMAGE_TAG", raising=False)
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## [Unreleased]\n\n## [{VERSION}] - 2026-11-27\n\n- A.\n")
    return tmp_path


def findings(check: Callable[[str], object]) -> list[str]:
    result = check(VERSION)
    assert hasattr(result, "__iter__")
    return list(result)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_finished_release_has_no_findings(checkout: Path) -> None:
    assert findings(release.check_changelog) == []
    assert findings(release.check_tags) == []
    assert list(release.check_dockerfile()) == []


def test_unreleased_changes_and_another_version_are_found(checkout: Path) -> None:
    changelog = checkout / "CHANGELOG.md"
    edit(changelog, "## [Unreleased]\n", "## [Unreleased]\n\n- More.\n")
    assert ["unreleased changes" in finding for finding in findings(release.check_changelog)] == [True]
    edit(changelog, f"## [{VERSION}]", "## [9.9.9]")
    assert f"the newest version in CHANGELOG.md is 9.9.9, in pyproject.toml {VERSION}" in findings(
        release.check_changelog
    )


def test_tags_of_images_that_are_not_the_version_are_found(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(checkout / "deploy/kubernetes/gpu/kustomization.yaml", f"newTag: {VERSION}", "newTag: 9.9.9")
    (checkout / ".env").write_text("IMAGE_TAG=8.8.8\n")
    tag, manifest = findings(release.check_tags)
    assert tag.startswith("IMAGE_TAG is 8.8.8")
    assert manifest.startswith("deploy/kubernetes/gpu/kustomization.yaml names images of 9.9.9")
    monkeypatch.setenv("IMAGE_TAG", VERSION)
    assert findings(release.check_tags) == [manifest]


def test_faults_of_the_dockerfile_are_found(checkout: Path) -> None:
    edit(checkout / "deploy/Dockerfile", "FROM python:3.11.14-slim-bookworm\n", "FROM python:latest\n")
    assert ["DL3007" in finding for finding in release.check_dockerfile()] == [True]


def test_what_cannot_be_checked_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert list(release.check_requirements()) == []
    assert "not checked: uv is not installed" in capsys.readouterr().out


def test_each_image_has_a_valid_bill_of_what_its_requirements_install(checkout: Path) -> None:
    assert list(release.write_sboms(VERSION, "MIT")) == []
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    bills = {path.name.partition(".")[0]: path.read_text() for path in (checkout / "dist/sbom").iterdir()}
    assert set(bills) == {path.stem for path in (checkout / "deploy/requirements").iterdir()} - {"common"}
    for role, text in bills.items():
        assert validator.validate_str(text) is None
        content = json.loads(text)
        assert content["metadata"]["component"]["version"] == VERSION
        pins = (checkout / f"deploy/requirements/{role}.txt").read_text()
        packages = {component["name"]: component for component in content["components"]}
        # Only the version of numpy that Python 3.11 gets.
        assert pins.count("numpy==") == 2
        assert re.search(rf"^numpy=={packages['numpy']['version']} ; python_full_version < '3\.12'", pins, re.MULTILINE)
        assert packages["celery"]["hashes"][0]["content"] in pins
        assert len(packages) == len(content["components"])
