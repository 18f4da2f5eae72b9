"""What an image does when it is built and started, done here in a clean directory."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.deployment import DOCKERFILE, ROOT, services

pytestmark = pytest.mark.system

#: Roles whose libraries are small enough to be fetched in a test; MELANOMA_TEST_IMAGES names more.
ROLES = os.environ.get("MELANOMA_TEST_IMAGES", "bot,local,ops,simulator").split(",")


def stage_instructions(stage: int) -> list[str]:
    """Instructions of one stage of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    stages = re.split(r"^(?=FROM )", text, flags=re.MULTILINE)
    return [line for line in stages[stage + 1].splitlines() if line.strip()]


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path of the root out of the build."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            if fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
                out = not line.startswith("!")
    return out


def copy_build_context(to: Path) -> Path:
    """The build context: what git knows and .dockerignore lets through."""
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


def test_only_worker_images_install_tensorflow() -> None:
    with_it = {path.stem for path in (ROOT / "deploy/requirements").glob("*.txt") if "\ntensorflow" in path.read_text()}
    assert with_it == {"worker", "gpu"}


def test_each_requirement_is_pinned_and_hashed() -> None:
    for path in (ROOT / "deploy/requirements").glob("*.txt"):
        for entry in re.split(r"\n(?=\S)", path.read_text().strip()):
            assert re.match(r"[\w.\[\],-]+==", entry), f"{path.name}: {entry[:60]}"
            assert "--hash=sha256:" in entry, f"{path.name}: {entry[:60]}"


def test_build_context_excludes_secrets_and_data() -> None:
    for name in (".env", "deploy/secrets/bot_token", ".git/config", ".local/valkey/x", "models/lite0/model.pb"):
        assert is_ignored(name), name


@pytest.mark.parametrize("role", ROLES)
def test_image_installs_and_its_command_starts(tmp_path: Path, role: str) -> None:
    context, build, venv = copy_build_context(tmp_path / "context"), tmp_path / "build", tmp_path / "venv"
    build.mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    for line in stage_instructions(0):
        word, _, rest = line.partition(" ")
        rest = rest.replace("${ROLE}", role).replace("/opt/venv", str(venv))
        if word == "COPY":
            source, target = rest.split()
            if source == ".":
                shutil.copytree(context, build, dirs_exist_ok=True)
            else:
                shutil.copy(context / source, build / target)
        elif word == "RUN":
            # The image's python is the only one there is.
            rest = re.sub(r"^python ", f"{sys.executable} ", rest)
            result = subprocess.run(
                rest, shell=True, cwd=build, env=environment, capture_output=True, text=True, check=False, timeout=280
            )
            assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
    elsewhere = tmp_path / "srv"
    elsewhere.mkdir()
    for name, service in services().items():
        if service.get("build", {}).get("args", {}).get("ROLE") != role:
            continue
        command = service["command"]
        words = [word for word in command[1:] if word.isalpha()]
        result = subprocess.run(
            [venv / "bin" / command[0], *words, "--help"],
            cwd=elsewhere,
            env={**environment, "HOME": str(elsewhere)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{name}: {result.stderr}"
