"""The service as processes: a Valkey, workers and the folder command."""

import csv
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from local.subprocesses import BackgroundProcess
from local.worker_processes import command, start_worker, wait_until_ready
from shared.model.artefact import read_artefact, write_manifest

_FINISH_TIMEOUT_S: Final = 150.0


class Submission:
    """A running `melanoma-submit`, and its output so far."""

    def __init__(self, folder: Path, out: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.out = out
        self._log = out.with_suffix(".log")
        self.process = BackgroundProcess(
            [*command("melanoma-submit"), str(folder), "--out", str(out), *options],
            log=self._log,
            environment=environment,
        )

    def rows(self) -> list[dict[str, Any]]:
        """Complete rows of `results.jsonl`."""
        try:
            lines = (self.out / "results.jsonl").read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def row_count(self) -> int:
        """Number of complete rows."""
        try:
            return (self.out / "results.jsonl").read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def wait_for_rows(self, count: int) -> None:
        """Wait until `count` rows are written."""
        deadline = time.monotonic() + _FINISH_TIMEOUT_S
        while self.row_count() < count:
            assert self.process.returncode is None, f"the command ended early:\n{self.output()}"
            assert time.monotonic() < deadline, f"{self.row_count()} of {count} rows:\n{self.output()}"
            time.sleep(0.02)

    def longest_pause(self, until_rows: int) -> float:
        """Wait for `until_rows` rows. Returns the longest time in seconds without a new row."""
        longest, count, since = 0.0, self.row_count(), time.monotonic()
        deadline = since + _FINISH_TIMEOUT_S
        while count < until_rows:
            assert time.monotonic() < deadline, f"{count} of {until_rows} rows:\n{self.output()}"
            time.sleep(0.02)
            now, new_count = time.monotonic(), self.row_count()
            longest = max(longest, now - since)
            if new_count != count:
                count, since = new_count, now
        return longest

    def finish(self) -> int:
        """Wait for the end. Returns the exit code."""
        try:
            return self.process.wait(_FINISH_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the command does not end, {self.row_count()} rows:\n{self.output()}") from None

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def stop(self) -> None:
        """Stop the command if it still runs."""
        self.process.stop()

    def output(self) -> str:
        """The last 3,000 characters of its output."""
        return self._log.read_text(errors="replace")[-3000:]

    def csv_rows(self) -> list[dict[str, str]]:
        """Rows of `results.csv`."""
        with (self.out / "results.csv").open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))


#: The artefact that the project ships.
SHIPPED_ARTEFACT: Final = Path("models/lite0")

#: At its start a worker measures each batch size up to the maximum. The default of 32 would cost half as much again.
_SMALL_BATCHES: Final = {"MELANOMA_MAX_BATCH_SIZE": "8"}


class ServiceStack:
    """A broker with an append-only file, and the workers that a test starts.

    Unless `environment` names an artefact, workers serve a copy of the shipped one that does not refuse images of other
    things than lesions: whether the model takes a rendered image for a lesion does not matter here.
    """

    def __init__(
        self, home: Path, environment: Mapping[str, str] | None = None, broker: EmbeddedValkey | None = None
    ) -> None:
        self.home = home
        self.broker = broker or EmbeddedValkey(home / "valkey", persistent=True)
        artefact = {"MELANOMA_ARTEFACT": str(_artefact_without_lesion_check(home))}
        self._environment = {**_SMALL_BATCHES, **artefact, **(environment or {})}
        self._submissions: list[Submission] = []
        self._stopping = threading.Event()
        self._restart_thread: threading.Thread | None = None
        self.workers: list[BackgroundProcess] = []

    def __enter__(self) -> Self:
        self.broker.start()
        self.client = Redis.from_url(self.broker.url)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._restart_thread is not None:
            self._restart_thread.join()
        for submission in self._submissions:
            submission.stop()
        for worker in self.workers:
            worker.kill()
        self.client.close()
        self.broker.stop()

    def start_worker(self, *, wait: bool = True, environment: Mapping[str, str] | None = None) -> BackgroundProcess:
        """Start a worker. With `wait`, return once it takes messages."""
        log = self.home / f"worker-{len(self.workers)}.log"
        worker = start_worker(log, {"REDIS_URL": self.broker.url, **self._environment, **(environment or {})})
        self.workers.append(worker)
        if wait:
            wait_until_ready(worker)
        return worker

    def restart_dead_workers(self) -> None:
        """From now on replace the newest worker when it ends, as a process runner does."""

        def run() -> None:
            while not self._stopping.wait(0.1):
                if self.workers[-1].returncode is not None:
                    self.start_worker(wait=False)

        self._restart_thread = threading.Thread(target=run)
        self._restart_thread.start()

    def submit(self, folder: Path, *options: str, **environment: str) -> Submission:
        """Start `melanoma-submit` on `folder`."""
        os.environ["REDIS_URL"] = self.broker.url
        out = self.home / f"out-{len(self._submissions)}"
        submission = Submission(folder, out, *options, environment=environment)
        self._submissions.append(submission)
        return submission

    def restore(self) -> None:
        """Stop what a failed test left running, and start a worker if none runs."""
        for submission in self._submissions:
            submission.stop()
        if all(worker.returncode is not None for worker in self.workers):
            self.start_worker()

    def worker_logs(self) -> str:
        """The ends of the workers' logs."""
        return "\n".join(worker.log.read_text(errors="replace")[-2000:] for worker in self.workers)


def _artefact_without_lesion_check(home: Path) -> Path:
    copy = Path(shutil.copytree(SHIPPED_ARTEFACT, home / "artefact"))
    manifest = read_artefact(SHIPPED_ARTEFACT)
    kinds = manifest.kinds.model_copy(update={"refuse_from": None})
    write_manifest(copy, manifest.model_copy(update={"kinds": kinds}))
    return copy


def assert_complete(rows: Sequence[Mapping[str, Any]], expected: int) -> None:
    """Assert that each image has one row and at least 99.9 % have verdicts."""
    duplicates = [name for name, times in Counter(row["file"] for row in rows).items() if times > 1]
    assert duplicates == []
    assert len(rows) == expected
    kinds = Counter(row["kind"] for row in rows)
    assert kinds["verdict"] >= 0.999 * expected, kinds


def stop_with_signal(worker: BackgroundProcess, number: signal.Signals) -> None:
    """Send a signal to a worker and wait until it has ended."""
    worker.send_signal(number)
    worker.wait(30)
