"""deploy/check_image.py finds the imports that a command reaches, and knows the commands of each image."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.deploy.deployment import ROOT, services

CHECK = ROOT / "deploy/check_image.py"


@pytest.fixture(scope="module")
def check_image() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_image", CHECK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_imports_inside_functions_are_found_and_optional_ones_are_not(check_image: ModuleType) -> None:
    source = """
import a
from b.c import d
if TYPE_CHECKING:
    import e
def f():
    import g
    try:
        import h
    except ValueError:
        import i
try:
    import j
except ImportError:
    pass
"""
    assert set(check_image.imported_modules(source)) == {"a", "b.c", "b.c.d", "g", "h", "i"}


def test_library_that_a_command_needs_only_later_is_found_missing(tmp_path: Path) -> None:
    """A library as `packaging` once was: only the transport that Celery loads by name imports it."""
    blocker = tmp_path / "sitecustomize.py"
    blocker.write_text("import sys\nsys.modules['packaging'] = None\nsys.modules['packaging.version'] = None\n")
    result = subprocess.run(
        [sys.executable, CHECK, "ops"],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "kombu.transport.redis cannot be imported" in result.stderr


def test_each_command_of_the_compose_file_is_checked_in_its_image(check_image: ModuleType) -> None:
    for name, service in services().items():
        if "build" in service:
            assert service["command"][0] in check_image.COMMANDS[service["build"]["args"]["ROLE"]], name
