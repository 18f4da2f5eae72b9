"""Tests of the command as a process of its own: exit codes, resuming, the lock, and the output files."""

import csv
import fcntl
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from tests.bulk.command_process import run, start
from tests.bulk.fake_worker import FAIL, FakeWorker

COUNT = 400


def rows(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text("ascii").splitlines()]


def result_counts(out: Path) -> Counter[str]:
    return Counter(str(row["file"]) for row in rows(out))


def jpeg(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "moles"
    path.mkdir()
    return path


@pytest.fixture
def large_folder(folder: Path) -> Path:
    for n in range(COUNT):
        (folder / f"{n}.jpg").write_bytes(f"{n:07}".encode())
    return folder


def test_a_folder_is_classified_and_reported(redis_url: str, folder: Path, tmp_path: Path) -> None:
    for shade in range(5):
        (folder / f"mole {shade}.jpg").write_bytes(jpeg((shade, 90, 90)) + bytes([40 * shade, *range(6)]))
    (folder / '"><img src=x onerror=alert(1)>.png').touch()
    (folder / "notes.txt").touch()
    with FakeWorker(redis_url):
        code, out, err = run(redis_url, folder, "--note", "<b>rendered</b>", cwd=tmp_path)
    assert code == 0, err
    assert "6 pictures: 5 verdicts" in out
    assert "3 of 41 (95 % 1-9 %)" in out
    assert "The file is empty." in out
    assert "1 other files (.txt)" in out
    assert sorted(path.name for path in (tmp_path / "moles-results").iterdir()) == [
        ".lock",
        "report.html",
        "results.csv",
        "results.jsonl",
        "run.json",
    ]
    page = (tmp_path / "moles-results" / "report.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 10
    assert "<img src=x" not in page
    assert page.count("<script>") == 1
    assert "<b>rendered" not in page
    assert "&lt;b&gt;rendered" in page
    assert not re.search(r"https?://|url\(|@import", page)
    assert set(re.findall(r'src="([^"]{0,5})', page)) == {"data:"}
    shown = [float(found) for found in re.findall(r'"probability">[<>&lgt;]*(\d+)', page)]
    assert len(shown) == 5
    assert shown == sorted(shown, reverse=True)
    assert page.index("badge refusal") > page.rindex('"probability">')
    assert (tmp_path / "moles-results" / "run.json").stat().st_mode & 0o077 == 0


def test_file_names_stay_on_this_machine(redis_url: str, folder: Path, tmp_path: Path) -> None:
    """Nothing in Redis names a file while the images wait."""
    (folder / "Jane Doe.jpg").write_bytes(b"0000001")
    process = start(redis_url, folder, cwd=tmp_path)
    with Redis.from_url(redis_url, decode_responses=True) as client:
        deadline = time.monotonic() + 20
        while not client.llen("bulk") and time.monotonic() < deadline:
            time.sleep(0.02)
        dump = "".join(
            str(client.hgetall(key) if client.type(key) == "hash" else key) for key in client.keys("*")
        ) + str(client.lrange("bulk", 0, -1))
    process.kill()
    assert "'stage': 'ready'" in dump
    assert "Jane" not in dump


def test_the_exit_code_tells_of_failures(redis_url: str, folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_bytes(FAIL)
    with FakeWorker(redis_url):
        code, out, _ = run(redis_url, folder, cwd=tmp_path)
    assert code == 1
    assert "The model failed on this picture." in out


def test_an_empty_folder_has_no_images(redis_url: str, folder: Path, tmp_path: Path) -> None:
    code, out, _ = run(redis_url, folder, cwd=tmp_path)
    assert code == 0
    assert "0 pictures" in out


def test_odd_file_names_are_kept(redis_url: str, folder: Path, tmp_path: Path) -> None:
    odd = ["new\nline.jpg", "\x1b[31mred.jpg", "=cmd.jpg", "😀" * 60 + ".jpg", os.fsdecode(b"caf\xe9.jpg"), 'a,b".jpg']
    for n, name in enumerate(odd):
        (folder / name).write_bytes(f"{n:07}".encode())
    with FakeWorker(redis_url):
        code, out, err = run(redis_url, folder, cwd=tmp_path)
    assert code == 0, err
    assert "\x1b[31mred" not in out
    results = tmp_path / "moles-results"
    assert sorted(
        str(json.loads(line)["file"]) for line in (results / "results.jsonl").read_text("ascii").splitlines()
    ) == sorted(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for name in odd)
    with (results / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        table = {row["file"] for row in csv.DictReader(file)}
    assert {"new\nline.jpg", "'=cmd.jpg", "caf\\xe9.jpg", 'a,b".jpg'} <= table
    (results / "report.html").read_text("utf-8")


def test_a_run_killed_at_any_moment_is_resumed(redis_url: str, large_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "moles-results"
    generator = random.Random(7)
    killed = 0
    with FakeWorker(redis_url, interval_s=0.01, max_batch_size=3) as worker:
        for _ in range(12):
            process = start(redis_url, large_folder, "--resume", "--window", "32", "--shard", "8", cwd=tmp_path)
            started = time.monotonic()
            before = (out / "results.jsonl").stat().st_size if (out / "results.jsonl").exists() else 0
            kills_at_start = generator.random() < 0.4
            if kills_at_start:
                time.sleep(generator.uniform(0, 0.3))
            while not kills_at_start and process.poll() is None and time.monotonic() - started < 20:
                has_grown = (out / "results.jsonl").exists() and (out / "results.jsonl").stat().st_size > before
                if has_grown:
                    time.sleep(generator.uniform(0, 0.15))
                    break
                time.sleep(0.002)
            if process.poll() is None:
                process.kill()
                killed += 1
            if generator.random() < 0.5 and (out / "results.jsonl").exists():
                with (out / "results.jsonl").open("ab") as file:
                    file.write(b'{"id": "torn')
            if process.poll() == 0:
                break
        code, _, err = run(redis_url, large_folder, "--resume", cwd=tmp_path)
    assert killed >= 4
    assert code == 0, err
    assert result_counts(out) == Counter(f"{n}.jpg" for n in range(COUNT))
    with (out / "results.csv").open(encoding="utf-8-sig", newline="") as table:
        assert sorted(row["file"] for row in csv.DictReader(table)) == sorted(result_counts(out))
    assert set(worker.decided) == {f"{n:07}".encode() for n in range(COUNT)}
    assert not (out / "submitted.jsonl").exists()


def test_a_submitted_image_keeps_its_decision_after_its_file_has_vanished(
    redis_url: str, folder: Path, tmp_path: Path
) -> None:
    for n in range(8):
        (folder / f"{n}.jpg").write_bytes(f"{n:07}".encode())
    process = start(redis_url, folder, cwd=tmp_path)
    with Redis.from_url(redis_url) as client:
        deadline = time.monotonic() + 20
        while not client.llen("bulk") and time.monotonic() < deadline:
            time.sleep(0.01)
    process.kill()
    (folder / "3.jpg").unlink()
    with FakeWorker(redis_url):
        code, _, err = run(redis_url, folder, "--resume", cwd=tmp_path)
    assert code == 0, err
    assert {str(row["file"]): row["kind"] for row in rows(tmp_path / "moles-results")} == {
        f"{n}.jpg": "verdict" for n in range(8)
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_says_how_to_resume(
    redis_url: str, large_folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with FakeWorker(redis_url, interval_s=0.05, max_batch_size=4):
        process = start(redis_url, large_folder, cwd=tmp_path)
        results = tmp_path / "moles-results" / "results.jsonl"
        deadline = time.monotonic() + 20
        while not (results.exists() and results.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        code, _, err = process.finish()
    assert code == 128 + number
    assert f"melanoma-submit {large_folder} --out moles-results --resume" in err
    with FakeWorker(redis_url):
        code, out, err = run(redis_url, large_folder, "--resume", cwd=tmp_path)
    assert code == 0, err
    assert "finished by earlier starts" in out
    assert result_counts(tmp_path / "moles-results") == Counter(f"{n}.jpg" for n in range(COUNT))


def test_a_run_is_neither_overwritten_nor_mixed_with_another(redis_url: str, folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_bytes(b"0000001")
    other = tmp_path / "other"
    other.mkdir()
    with FakeWorker(redis_url):
        assert run(redis_url, folder, "--out", "out", cwd=tmp_path)[0] == 0
        code, _, err = run(redis_url, folder, "--out", "out", cwd=tmp_path)
        assert code == 4
        assert "--resume" in err
        code, _, err = run(redis_url, other, "--out", "out", "--resume", cwd=tmp_path)
        assert code == 4
        assert str(folder) in err
        assert run(redis_url, folder, "--out", "out", "--resume", "--recursive", cwd=tmp_path)[0] == 4
        # --resume also submits new files of the same folder.
        (folder / "b.jpg").write_bytes(b"0000002")
        assert run(redis_url, folder, "--out", "out", "--resume", cwd=tmp_path)[0] == 0
    assert result_counts(tmp_path / "out") == Counter(["a.jpg", "b.jpg"])


def test_results_of_other_programs_are_not_touched(redis_url: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.csv").write_text("mine")
    code, _, err = run(redis_url, folder, "--out", "out", cwd=tmp_path)
    assert code == 4
    assert "results.csv" in err
    assert (tmp_path / "out" / "results.csv").read_text() == "mine"


def test_a_locked_output_directory_is_refused(redis_url: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, err = run(redis_url, folder, "--out", "out", cwd=tmp_path)
    assert code == 4
    assert "in use" in err


def test_a_wrong_password_is_reported_in_one_sentence_and_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_bytes(b"0000001")
    with EmbeddedValkey(tmp_path / "valkey", password="right") as server:
        wrong = server.url.replace("right", "wrong")
        code, out, err = run(wrong, folder, cwd=tmp_path)
        assert (code, out) == (3, "")
        assert len(err.strip().splitlines()) == 1
        assert "password" in err
        assert "wrong@" not in err
        with FakeWorker(server.url):
            assert run(server.url, folder, cwd=tmp_path)[0] == 0


def test_waits_while_redis_is_unavailable(folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_bytes(b"0000001")
    server = EmbeddedValkey(tmp_path / "valkey")
    process = start(server.url, folder, cwd=tmp_path)
    deadline = time.monotonic() + 20
    while "Redis is unavailable" not in process.stderr() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None
    with server, FakeWorker(server.url):
        code, out, err = process.finish()
    assert code == 0, err
    assert "Redis is unavailable" in err
    assert "1 picture:" in out


@pytest.mark.parametrize("arguments", [["nowhere"], ["moles", "--shard", "0"], ["moles", "--window", "0"], []], ids=str)
def test_wrong_usage_has_its_exit_code(redis_url: str, folder: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert run(redis_url, *arguments, cwd=tmp_path)[0] == 2


def test_an_invalid_redis_url_is_reported(folder: Path, tmp_path: Path) -> None:
    code, _, err = run("nonsense", folder, cwd=tmp_path)
    assert code == 2
    assert "REDIS_URL" in err


def test_help_names_files_settings_and_exit_codes() -> None:
    out = subprocess.run([sys.executable, "-m", "bulk", "--help"], check=True, capture_output=True, text=True).stdout
    for word in ("REDIS_URL", "--resume", "results.jsonl", "report.html", "Exit codes", "130"):
        assert word in out


def test_a_run_without_workers_reports_it(redis_url: str, folder: Path, tmp_path: Path) -> None:
    (folder / "a.jpg").write_bytes(b"0000001")
    process = start(redis_url, folder, cwd=tmp_path)
    deadline = time.monotonic() + 20
    while "no worker is running" not in process.stderr() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "no worker is running" in process.stderr()
    with FakeWorker(redis_url):
        assert process.finish()[0] == 0
