"""A test that a laptop skips fails in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED = "import pytest\n\n@pytest.mark.skipif(True, reason='no promtool')\ndef test_it(): ...\n"
SKIPPED_WITHIN = "import pytest\n\ndef test_it():\n    pytest.skip('no promtool')\n"
SKIPPED_MODULE = "import pytest\n\npytest.skip('no promtool', allow_module_level=True)\n"
FAILS_AS_EXPECTED = "import pytest\n\n@pytest.mark.xfail(reason='known')\ndef test_it():\n    assert False\n"


@pytest.mark.parametrize(
    ("test", "ci", "passes"),
    [
        (SKIPPED, "true", False),
        (SKIPPED_WITHIN, "true", False),
        (SKIPPED_MODULE, "true", False),
        (SKIPPED, "", True),
        (FAILS_AS_EXPECTED, "true", True),
    ],
    ids=["by a mark", "within", "a whole module", "on a laptop", "fails as expected"],
)
def test_skipped_test_fails_in_ci(tmp_path: Path, test: str, ci: str, passes: bool) -> None:
    (tmp_path / "test_it.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.no_skips_in_ci", "-p", "no:cacheprovider", tmp_path],
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    if not passes:
        assert "CI must run every test" in done.stdout
        assert "no promtool" in done.stdout
