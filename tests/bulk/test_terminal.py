"""Tests of the command on terminals and pipes as they are: closed, narrow, of another encoding, interrupted."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest
from rich.console import Console

from bulk.inputs.scanner import Skipped
from bulk.report.terminal_summary import print_summary
from bulk.results.results_file import ResultsFile
from bulk.results.run_stats import RunStats
from tests.bulk.fake_worker import FakeWorker, verdict
from tests.bulk.results.rows import REFUSED, row

COMMAND = [sys.executable, "-m", "bulk"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "родинки"
    path.mkdir()
    for n in range(3):
        (path / f"моль {n}.jpg").write_bytes(f"{n:07}".encode())
    return path


def start(url: str, *arguments: str | Path, cwd: Path, **options: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "REDIS_URL": url, **(options.pop("env", None) or {})}  # type: ignore[dict-item]
    return subprocess.Popen([*COMMAND, *map(str, arguments)], cwd=cwd, env=environment, **options)  # type: ignore[call-overload, no-any-return]


def assert_complete(out: Path, count: int = 3) -> None:
    with (out / "results.csv").open(encoding="utf-8-sig", newline="") as table:
        assert len(list(csv.DictReader(table))) == count
    assert (out / "report.html").read_text("utf-8").endswith("</html>\n")


@pytest.mark.system
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_pipe_that_nobody_reads_ends_no_run(redis_url: str, folder: Path, tmp_path: Path, stream: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    other = "stderr" if stream == "stdout" else "stdout"
    with FakeWorker(redis_url):
        process = start(redis_url, folder, "--out", "out", cwd=tmp_path, **{stream: writer, other: subprocess.PIPE})
        os.close(writer)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Error" not in (out or b"") + (err or b"")
    assert_complete(tmp_path / "out")


@pytest.mark.system
@pytest.mark.parametrize("encoding", ["latin-1", "cp1251"])
def test_a_terminal_of_another_encoding_ends_no_run(
    redis_url: str, folder: Path, tmp_path: Path, encoding: str
) -> None:
    with FakeWorker(redis_url):
        process = start(
            *(redis_url, folder, "--out", "out"),
            cwd=tmp_path,
            env={"PYTHONIOENCODING": encoding, "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    shown = out.decode(encoding)
    assert ("моль 0.jpg" if encoding == "cp1251" else r"\u043c\u043e\u043b\u044c 0.jpg") in shown
    assert "3 of 41 (95 % 1-9 %)" in shown
    assert_complete(tmp_path / "out")


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_first_second_has_its_exit_code(
    redis_url: str, folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Importing what a run needs takes most of that second."""
    for wait in (0.0, 0.3):
        process = start(redis_url, folder, cwd=tmp_path, stderr=subprocess.PIPE, env={"PYTHONPROFILEIMPORTTIME": "1"})
        assert process.stderr is not None
        wait_for_import(process.stderr, b"bulk.stop_signal")
        wait_for_import(process.stderr, b"click.core")
        time.sleep(wait)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 128 + number
        assert b"Traceback" not in err
        assert b"Aborted" not in err


def wait_for_import(stream: IO[bytes], module: bytes) -> None:
    """Read what `-X importtime` writes until `module` is imported."""
    for line in stream:
        if line.split(b"|")[-1].strip() == module:
            return


def summary(tmp_path: Path, width: int, *, encoding: str = "utf-8") -> str:
    jsonl = tmp_path / "results.jsonl"
    jsonl.unlink(missing_ok=True)
    rows = [row("a name that is quite long for a phone.jpg", verdict(b"abcdefg")), row("b.jpg", REFUSED)]
    with ResultsFile(jsonl) as results:
        results.append(rows)
    stats = RunStats()
    stats.add(rows)
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    print_summary(Console(file=stream, width=width, highlight=False), stats, Skipped(companions=2), jsonl)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [20, 40, 79, 120])
def test_names_and_bands_are_shown_at_every_width(tmp_path: Path, width: int) -> None:
    shown = summary(tmp_path, width)
    assert "a name that is quite long for a phone.jpg" in shown
    assert "38 %" in shown
    assert "3 of 41 (95 % 1-9 %)" in shown
    assert "damaged" in shown
    assert "2 masks and superpixels of other pictures" in shown


@pytest.mark.system
def test_the_current_directory_as_output_is_no_input(redis_url: str, folder: Path) -> None:
    for _ in range(2):
        with FakeWorker(redis_url):
            process = start(redis_url, ".", "--out", ".", "--resume", cwd=folder, stdout=subprocess.PIPE)
            out, _err = process.communicate(timeout=60)
        assert process.returncode == 0
        assert b"3 pictures" in out
        assert b"Skipped" not in out


@pytest.mark.system
def test_a_full_disk_during_the_report_leaves_the_summary_and_no_unfinished_file(
    redis_url: str, folder: Path, tmp_path: Path
) -> None:
    note = ["--note", "x" * 20_000]  # more than the limit
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (12_000,) * 2); sys.argv[0] = 'x'; "
    with FakeWorker(redis_url):
        process = subprocess.run(
            [sys.executable, "-c", f"{limited}from bulk.cli import main; main()", str(folder), "--out", "out", *note],
            cwd=tmp_path,
            env={**os.environ, "REDIS_URL": redis_url},
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert process.returncode == 5, process.stderr
    assert b"3 pictures" in process.stdout
    assert b"report.html" in process.stderr
    assert b"--resume" in process.stderr
    assert not [path.name for path in (tmp_path / "out").iterdir() if "tmp" in path.name or "sqlite" in path.name]
