"""`make audit` tells a vulnerable requirement, a clean one, and that nobody could be asked apart."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from local.embedded_valkey import free_port

PINNED: Final = "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n"


@contextmanager
def advisories(*vulnerable: str) -> Iterator[str]:
    """A service that answers as osv.dev does, and knows of vulnerabilities in these packages."""

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            affected = {
                "package": {"name": name, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
            }
            found = {"vulns": [{"id": "PYSEC-2026-1", "affected": [affected]}]} if name in vulnerable else {}
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.txt"
    file.write_text(PINNED)
    return file


def audit(requirements: Path, address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checks.audit", str(requirements), "--osv-url", address],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_vulnerable_requirement_fails(requirements: Path) -> None:
    with advisories("jinja2", "six") as address:
        done = audit(requirements, address)
    assert done.returncode == 1
    assert "six 1.17.0: PYSEC-2026-1, mended in 99.1" in done.stdout


def test_requirements_without_a_known_vulnerability_pass(requirements: Path) -> None:
    with advisories("jinja2") as address:
        done = audit(requirements, address)
    assert done.returncode == 0
    assert "1 packages audited, 0 vulnerabilities" in done.stdout


def test_a_service_that_knows_nothing_or_is_away_is_not_believed(requirements: Path) -> None:
    with advisories() as silent:
        heard = audit(requirements, silent)
    away = audit(requirements, f"http://127.0.0.1:{free_port()}/v1/query")
    for done in (heard, away):
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("NOT AUDITED: no advisory service answers from here")
        assert "0 vulnerabilities" not in done.stdout
