"""Runs the build steps of the Dockerfile in a clean directory, and starts the commands of each image."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.deployment import DOCKERFILE, ROOT, services

#: Roles whose libraries are small enough to install in a test. MELANOMA_TEST_IMAGES overrides them.
ROLES = os.environ.get("MELANOMA_TEST_IMAGES", "bot,local,ops,simulator").split(",")


def stage_instructions(stage: int) -> list[str]:
    """Instructions of one stage of the Dockerfile, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    stages = re.split(r"^(?=FROM )", text, flags=re.MULTILINE)
    return [line for line in stages[stage + 1].splitlines() if line.strip()]


def is_ignored(path: str) -> bool:
    """True if .dockerignore excludes a path."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            if fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
                out = not line.startswith("!")
    return out


def copy_build_context(to: Path) -> Path:
    """Copy the build context: the files of the checkout that .dockerignore does not exclude."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in tracked.stdout.decode().splitlines():
        if not is_ignored(name) and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    return to


def test_dockerfile_passes_hadolint() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert hadolint
    result = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_the_gpu_image_installs_tensorflow() -> None:
    roles = {path.stem for path in (ROOT / "deploy/requirements").glob("*.txt") if "\ntensorflow" in path.read_text()}
    assert roles == {"gpu"}


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


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_image_installs_and_its_command_starts(tmp_path: Path, role: str) -> None:
    context, build, venv = copy_build_context(tmp_path / "context"), tmp_path / "build", tmp_path / "venv"
    build.mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    for line in stage_instructions(0):
        instruction, _, rest = line.partition(" ")
        rest = rest.replace("${ROLE}", role).replace("/opt/venv", str(venv))
        if instruction == "COPY":
            source, target = rest.split()
            if source == ".":
                shutil.copytree(context, build, dirs_exist_ok=True)
            else:
                shutil.copy(context / source, build / target)
        elif instruction == "RUN":
            # In the image, `python` is the only Python.
            rest = re.sub(r"^python ", f"{sys.executable} ", rest)
            result = subprocess.run(
                rest, shell=True, cwd=build, env=environment, capture_output=True, text=True, check=False, timeout=280
            )
            assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
    working_directory = tmp_path / "srv"
    working_directory.mkdir()
    for name, service in services().items():
        if service.get("build", {}).get("args", {}).get("ROLE") != role:
            continue
        command = service["command"]
        arguments = [argument for argument in command[1:] if argument.isalpha()]
        result = subprocess.run(
            [venv / "bin" / command[0], *arguments, "--help"],
            cwd=working_directory,
            env={**environment, "HOME": str(working_directory)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{name}: {result.stderr}"
