"""A software bill of materials (CycloneDX) of an image: the Python packages of its requirements, with hashes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

#: The images run on Linux. Their architecture is that of the machine that builds them, usually this one.
_PLATFORM: Final = {
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "os_name": "posix",
}


def python_version(dockerfile: Path) -> str:
    """Python's version in the base image, such as `3.11.14`."""
    found = re.search(r"^FROM python:([\d.]+)", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if found is None:
        raise ValueError(f"{dockerfile} names no image of Python")
    return found[1]


def read_components(requirements: Path, python: str) -> Iterator[Component]:
    """The packages that pip installs from a file of pinned, hashed requirements, for a version of Python."""
    major, minor, *_ = python.split(".")
    environment = _PLATFORM | {"python_version": f"{major}.{minor}", "python_full_version": python}
    for entry in re.split(r"\n(?=\S)", requirements.read_text(encoding="utf-8").strip()):
        pin, *hashes = entry.replace("\\\n", "").split("--hash=sha256:")
        requirement = Requirement(pin)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (specifier,) = requirement.specifier
            yield Component(
                type=ComponentType.LIBRARY,
                name=requirement.name,
                version=specifier.version,
                purl=PackageURL("pypi", name=requirement.name, version=specifier.version),
                # One of them is the hash of the file that pip installs.
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hash_.strip()) for hash_ in hashes],
            )


def write_sbom(target: Path, *, name: str, version: str, licence: str, components: list[Component]) -> None:
    """Write the bill of materials of an image, which contains `components` and this project."""
    project = Component(
        type=ComponentType.CONTAINER, name=name, version=version, description=f"Licensed under {licence}"
    )
    bom = Bom(components=components)
    bom.metadata.component = project
    bom.register_dependency(project, components)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", encoding="utf-8")
