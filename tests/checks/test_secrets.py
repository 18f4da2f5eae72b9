"""`make secrets` finds secrets, and its baseline lists no exception that no longer exists."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.deploy.deployment import ROOT

BASELINE: Final = ROOT / ".secrets.baseline"
BIN: Final = Path(sys.executable).parent

#: Each is split in two halves, so that this file contains no secret.
PLANTED: Final = {
    "the token of a bot": ("8123456789:AAHk3f9sKq0Zx7", "Vb2Nn5Mm8Ll1Oo4Pp6QrS"),
    "the address of a Redis": ("redis://default:w9Kx", "27hGq1@10.0.0.7:6379/0"),
    "a private key": ("-----BEGIN RSA PRIV", "ATE KEY-----"),
    "a key of a cloud": ("AKIAZ2J4K6", "L8M0N1P3Q5"),
    "a password in a setting": ("grafana_pass", "word = 'w9Kx27hGq1Lp'"),
}


def run_make_secrets(*files: Path | str) -> subprocess.CompletedProcess[str]:
    names = " ".join(str(file) for file in files)
    return subprocess.run(
        ["make", "--silent", "--assume-old=.venv/ready", "secrets", f"BIN={BIN}", f"FILES={names}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_planted_secrets_are_found(tmp_path: Path) -> None:
    files = {tmp_path / f"{name.replace(' ', '-')}.py": "".join(halves) for name, halves in PLANTED.items()}
    for file, secret in files.items():
        file.write_text(f"{secret}\n" if "=" in secret else f'VALUE = "{secret}"\n')
    done = run_make_secrets(*files)
    assert done.returncode != 0
    assert {file for file in files if f"{file}:1" not in done.stdout} == set()
    assert not any(secret in done.stdout for secret in files.values()), "the log of CI must not repeat a secret"


def test_each_exception_still_exists_and_may_move_within_its_file() -> None:
    known: dict[str, list[dict[str, Any]]] = json.loads(BASELINE.read_text())["results"]
    done = subprocess.run(
        [BIN / "detect-secrets", "scan", "--no-verify", *known], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert hashes(json.loads(done.stdout)["results"]) == hashes(known)
    assert run_make_secrets(*known).returncode == 0


def hashes(results: dict[str, list[dict[str, Any]]]) -> set[tuple[str, str]]:
    return {(name, secret["hashed_secret"]) for name, secrets in results.items() for secret in secrets}
