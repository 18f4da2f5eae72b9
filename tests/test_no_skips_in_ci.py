"""A test that a laptop skips fails in CI."""

import os
import subprocess
import sys
from pathlib import Path

SKIPPED = "import pytest\n\n@pytest.mark.skipif(True, reason='no promtool')\ndef test_it(): ...\n"
SKIPPED_WITHIN = "import pytest\n\ndef test_it():\n    pytest.skip('no promtool')\n"
SKIPPED_MODULE = "import pytest\n\npytest.skip('no promtool', allow_module_level=True)\n"
FAILS_AS_EXPECTED = "import pytest\n\n@pytest.mark.xfail(reason='known')\ndef test_it():\n    assert False\n"


def run_tests(folder: Path, ci: str, **tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests with the plugin, each in the module of its name."""
    for name, test in tests.items():
        (folder / f"test_{name}.py").write_text(test)
    plugins = ["-p", "tests.no_skips_in_ci", "-p", "no:cacheprovider", "-p", "no:randomly"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "--continue-on-collection-errors", *plugins, "--rootdir", folder],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )


def test_skipped_test_fails_in_ci(tmp_path: Path) -> None:
    done = run_tests(
        tmp_path, "true", mark=SKIPPED, within=SKIPPED_WITHIN, module=SKIPPED_MODULE, xfail=FAILS_AS_EXPECTED
    )
    assert done.returncode != 0
    for outcome in ("ERROR test_mark.py", "FAILED test_within.py", "ERROR test_module.py", "XFAIL test_xfail.py"):
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(outcome))
        assert ("CI must run every test" in line and "no promtool" in line) is not outcome.startswith("XFAIL")


def test_skipped_test_passes_on_a_laptop(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "", mark=SKIPPED, within=SKIPPED_WITHIN, module=SKIPPED_MODULE, passes="def test(): ...")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 skipped" in done.stdout
