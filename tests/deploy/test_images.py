"""The Dockerfile, the build context and the requirements of each image. `make containers` builds and runs them."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.deployment import DOCKERFILE, ROOT


def is_ignored(path: str) -> bool:
    """True if .dockerignore excludes a path."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            if fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
                out = not line.startswith("!")
    return out


def test_dockerfile_passes_hadolint() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert hadolint
    result = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("library", "roles"), [("tensorflow", set()), ("jax", {"gpu"}), ("openvino", {"worker"})])
def test_an_image_installs_the_runtime_of_its_device_alone(library: str, roles: set[str]) -> None:
    files = (ROOT / "deploy/requirements").glob("*.txt")
    assert {path.stem for path in files if f"\n{library}==" in path.read_text()} == roles


def test_each_image_requires_the_common_libraries_in_the_same_versions() -> None:
    """pip would replace another version, and the layer with the common one would stay in each image."""
    entries = {
        path.stem: set(re.split(r"\n(?=\S)", path.read_text().strip()))
        for path in (ROOT / "deploy/requirements").glob("*.txt")
    }
    common = entries.pop("common")
    assert not {role: missing for role, required in entries.items() if (missing := common - required)}


def test_each_requirement_is_pinned_and_hashed() -> None:
    for path in (ROOT / "deploy/requirements").glob("*.txt"):
        for entry in re.split(r"\n(?=\S)", path.read_text().strip()):
            assert re.match(r"[\w.\[\],-]+==", entry), f"{path.name}: {entry[:60]}"
            assert "--hash=sha256:" in entry, f"{path.name}: {entry[:60]}"


def test_build_context_excludes_secrets_and_data() -> None:
    for name in (".env", "deploy/secrets/bot_token", ".git/config", ".local/valkey/x", "models/lite0/model.pb"):
        assert is_ignored(name), name


def test_build_context_includes_every_package_that_its_modules_import() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    included = {package for package in packages if not is_ignored(package)}
    imported = {
        name
        for package in included
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    assert imported & packages <= included
