"""Checks the version, the requirements and the images of a release, and writes a bill of materials for each image.

Prints a line for each finding and exits with 1 if there is one. What cannot be checked here is named.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from checks.release.sbom import python_version, read_components, write_sbom

#: Where the bills of materials are written.
SBOMS: Final = Path("dist/sbom")

_DOCKERFILE: Final = Path("deploy/Dockerfile")
_LABEL: Final = "org.opencontainers.image"


def main() -> int:
    """Run all checks in the root of the checkout; returns the exit code."""
    with Path("pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    version: str = project["version"]
    findings = [
        *check_changelog(version),
        *check_tags(version),
        *check_dockerfile(),
        *check_requirements(),
        *check_images(version, project["license"]),
        *write_sboms(version, project["license"]),
    ]
    for finding in findings:
        print(f"problem: {finding}")
    print(f"release {version}: {len(findings)} problems" if findings else f"release {version}: ready")
    return 1 if findings else 0


def check_changelog(version: str) -> Iterator[str]:
    """The newest section is that of the version, and nothing is unreleased."""
    text = Path("CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    if unreleased and unreleased[1].strip():
        yield "CHANGELOG.md lists unreleased changes: give them a version and a date, and pyproject.toml that version"
    newest = re.search(r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", text, flags=re.MULTILINE)
    if newest is None or newest[1] != version:
        yield f"the newest version in CHANGELOG.md is {newest[1] if newest else 'missing'}, in pyproject.toml {version}"


def check_tags(version: str) -> Iterator[str]:
    """IMAGE_TAG, if it is set, and the Kubernetes manifests name the version."""
    tag = os.environ.get("IMAGE_TAG") or _read_env_file().get("IMAGE_TAG")
    if tag is None:
        print("not checked: IMAGE_TAG is not set; the images of a release are built with it")
    elif tag != version:
        yield f"IMAGE_TAG is {tag}, in pyproject.toml the version is {version}"
    for path in sorted(Path("deploy/kubernetes").rglob("kustomization.yaml")):
        for name in re.findall(r"newTag: ([^\s}]+)", path.read_text(encoding="utf-8")):
            if name != version:
                yield f"{path} names images of {name}, in pyproject.toml the version is {version}"


def check_dockerfile() -> Iterator[str]:
    """The Dockerfile follows the rules of hadolint."""
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        yield "hadolint is not installed: make requirements"
        return
    result = subprocess.run([hadolint, _DOCKERFILE], capture_output=True, text=True, check=False)
    yield from result.stdout.splitlines()


def check_requirements() -> Iterator[str]:
    """The same files of requirements are made again by uv, with the versions that they pin."""
    if shutil.which("uv") is None:
        print("not checked: uv is not installed, so the requirements are not made again")
        return
    files = ["requirements.txt", *map(str, sorted(Path("deploy/requirements").glob("*.txt")))]
    with tempfile.TemporaryDirectory() as directory:
        for name in ("Makefile", "pyproject.toml", *files):
            (Path(directory) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, Path(directory) / name)
        # Without UPGRADE uv keeps the pinned versions that still satisfy pyproject.toml.
        command = ["make", "--silent", "requirements", "requirements-images", "UPGRADE="]
        made = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            yield f"`{' '.join(command)}` fails: {made.stderr.strip()[-300:]}"
            return
        for name in files:
            if Path(name).read_bytes() != (Path(directory) / name).read_bytes():
                yield f"{name} does not follow from pyproject.toml: make requirements requirements-images"


def check_images(version: str, licence: str) -> Iterator[str]:
    """Images that have the tag of the version carry its labels, and the commit that is checked out."""
    revision = _run("git", "rev-parse", "HEAD").strip()
    names = re.findall(
        r"^    image: (melanoma-[\w-]+):", Path("docker-compose.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    expected = {"version": version, "revision": revision, "licenses": licence}
    for name in sorted(set(names)):
        try:
            (image,) = json.loads(_run("docker", "image", "inspect", f"{name}:{version}"))
        except (OSError, subprocess.CalledProcessError):
            print(f"not checked: there is no image {name}:{version} here")
            continue
        labels: dict[str, Any] = image["Config"]["Labels"] or {}
        for label, value in expected.items():
            if labels.get(f"{_LABEL}.{label}") != value:
                yield f"{name}:{version} has {_LABEL}.{label}={labels.get(f'{_LABEL}.{label}')}, not {value}"
        if not labels.get(f"{_LABEL}.title"):
            yield f"{name}:{version} has no {_LABEL}.title"


def write_sboms(version: str, licence: str) -> Iterator[str]:
    """Write the bill of materials of each image."""
    python = python_version(_DOCKERFILE)
    for path in sorted(Path("deploy/requirements").glob("*.txt")):
        if path.stem == "common":  # A part of all others.
            continue
        components = list(read_components(path, python))
        if not components:
            yield f"{path} requires nothing"
        target = SBOMS / f"{path.stem}.cdx.json"
        write_sbom(target, name=f"melanoma-{path.stem}", version=version, licence=licence, components=components)
        print(f"wrote {target}: {len(components)} packages")


def _read_env_file() -> dict[str, str]:
    try:
        lines = Path(".env").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
