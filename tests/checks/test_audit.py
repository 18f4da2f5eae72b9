"""`make audit` distinguishes vulnerable requirements, clean ones, and the lack of an advisory service."""

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
def run_osv(*vulnerable: str) -> Iterator[str]:
    """Run a service that answers as osv.dev does, with vulnerabilities of the packages in `vulnerable`."""

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            affected = {
                "package": {"name": name, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
            }
            response = {"vulns": [{"id": "PYSEC-2026-1", "affected": [affected]}]} if name in vulnerable else {}
            body = json.dumps(response).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            """Log nothing."""

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


def run_audit(requirements: Path, address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checks.audit", str(requirements), "--osv-url", address],
        capture_output=True,
        text=True,
        check=False,
    )


def test_audit_fails_on_a_vulnerable_requirement(requirements: Path) -> None:
    with run_osv("jinja2", "six") as address:
        done = run_audit(requirements, address)
    assert done.returncode == 1
    assert "six 1.17.0: PYSEC-2026-1, fixed in 99.1" in done.stdout


def test_audit_passes_without_a_known_vulnerability(requirements: Path) -> None:
    with run_osv("jinja2") as address:
        done = run_audit(requirements, address)
    assert done.returncode == 0
    assert "1 packages audited, 0 vulnerabilities" in done.stdout


def test_audit_does_not_trust_a_service_that_is_empty_or_unavailable(requirements: Path) -> None:
    with run_osv() as empty_service:
        without_advisories = run_audit(requirements, empty_service)
    unavailable = run_audit(requirements, f"http://127.0.0.1:{free_port()}/v1/query")
    for done in (without_advisories, unavailable):
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("NOT AUDITED: no advisory service answers from here")
        assert "0 vulnerabilities" not in done.stdout
