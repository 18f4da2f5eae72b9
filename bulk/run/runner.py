"""Runs the command on one folder: from its files to rows in the output directory.

A run that was stopped or killed is continued by the next start.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from bulk.atomic_file import sync
from bulk.inputs.formats import image_of
from bulk.inputs.input_image import InputImage
from bulk.inputs.scanner import Skipped, scan
from bulk.results.csv_table import CsvTable
from bulk.results.metadata import Metadata
from bulk.results.result_row import ResultRow
from bulk.results.results_file import ResultsFile, read_results
from bulk.results.run_stats import RunStats
from bulk.run.finished_index import Finished, FinishedIndex
from bulk.run.journal import SubmissionJournal, read_journal
from bulk.run.manifest import RunManifest
from bulk.run.outdated_rows import OutdatedRows
from bulk.run.progress import ProgressDisplay
from bulk.run.worker_status import WorkerStatus
from bulk.submission.config import SubmissionConfig
from bulk.submission.image_batch import SubmittedImage
from bulk.submission.submitter import Submitter
from bulk.submission.uploader import UploadState
from shared.config.settings import Settings
from shared.contract import run_files
from shared.ids import job_id
from shared.ledger import transitions
from shared.redis_client.retry import ShutdownRequested
from shared.service.client import ServiceClient

log = structlog.get_logger(__name__)

# Jobs of another run are cancelled in chunks of this size.
_CANCEL_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The run, its output directory, and its options.

    `window` and `shard` are those of `SubmissionConfig`. With `retry`, what failed or could not be read before is
    submitted again. `metadata` is a table to join.
    """

    run: RunManifest
    out: Path
    window: int
    shard: int
    retry: bool = False
    metadata: Metadata | None = None

    def scan(self, skipped: Skipped, stop: threading.Event) -> Iterator[InputImage]:
        """Yield the images of the folder, without what is in the output directory.

        Raises `shared.redis_client.retry.ShutdownRequested` once `stop` is set.
        """
        for image in scan(
            self.run.folder,
            recursive=self.run.recursive,
            exclude=self.out,
            own_files=run_files.ALL,
            skipped=skipped,
        ):
            if stop.is_set():
                raise ShutdownRequested
            yield image


class FolderRunner:
    """Runs `plan` over an open connection to the service, and counts in `stats`."""

    def __init__(self, plan: RunPlan, config: Settings, service: ServiceClient, stats: RunStats) -> None:
        self._plan = plan
        self._run = plan.run
        self._config = config
        self._service = service
        self._stats = stats

    def run(self, display: ProgressDisplay, stop: threading.Event) -> None:
        """Process every image of the folder that has no row yet.

        Returns early once `stop` is set. Raises `OSError` if results cannot be written, and what
        `bulk.submission.submitter.Submitter.run` raises.
        """
        out = self._plan.out
        with ExitStack() as stack:
            index = stack.enter_context(FinishedIndex(out / run_files.FINISHED_INDEX))
            self._set_outdated_rows_aside(index, stop)
            results = stack.enter_context(ResultsFile(out / run_files.RESULTS))
            sync(out)
            for _, row in read_results(out / run_files.RESULTS):
                self._stats.add_resumed(row)
            unanswered = self._unanswered(index)
            table = stack.enter_context(
                CsvTable(out / run_files.CSV_TABLE, out / run_files.RESULTS, self._plan.metadata)
            )
            if self._stats.resumed:
                table.rewrite()
            journal = stack.enter_context(SubmissionJournal(out / run_files.JOURNAL))
            workers = WorkerStatus(self._service.ledger)

            def record(rows: Sequence[ResultRow]) -> None:
                results.append(rows)
                table.append(rows)
                self._stats.add(rows)

            def show_progress() -> None:
                waiting = str(submitter.state) if submitter.state is not UploadState.RUNNING else ""
                display.update(self._stats, waiting or workers.describe(self._stats.done))

            submitter = Submitter(
                self._service.ledger,
                self._service.store,
                self._service.publisher,
                self._submission_config(),
                on_results=record,
                before_submit=journal.append,
                on_progress=show_progress,
                stop=stop,
            )
            submitter.run(self._new_images(index, stop), resumed=unanswered)
        if not stop.is_set():
            (out / run_files.JOURNAL).unlink(missing_ok=True)

    def _submission_config(self) -> SubmissionConfig:
        return SubmissionConfig(
            outbox=self._run.outbox,
            key=self._run.job_key,
            window=self._plan.window,
            shard=self._plan.shard,
            deadline_s=self._config.bulk_deadline_s,
            max_image_bytes=self._config.image_store_max_bytes,
        )

    def _set_outdated_rows_aside(self, index: FinishedIndex, stop: threading.Event) -> None:
        plan = self._plan
        rows = OutdatedRows(plan.out, self._run.folder, index, self._id_of)
        moved = rows.set_aside(plan.scan(Skipped(), stop), retry=plan.retry)
        if moved.images or moved.damaged:
            # The ledger keeps failed jobs as dead letters, so the same image needs another id.
            self._run = self._run.retried()
            self._run.write(plan.out / run_files.MANIFEST)
            self._stats.set_aside = moved.images + moved.damaged
            log.info("results were set aside, their pictures are classified again", **asdict(moved))

    def _unanswered(self, index: FinishedIndex) -> list[SubmittedImage]:
        """Images that an interrupted run submitted and has no result of: never more than its window."""
        images: dict[str, SubmittedImage] = {}
        foreign: list[str] = []
        for entry in read_journal(self._plan.out / run_files.JOURNAL):
            if (id_ := self._id_of(entry.name)) in index:
                continue
            if entry.id == job_id(self._run.job_key, entry.name, entry.version.sha256 or ""):
                images[id_] = SubmittedImage(entry.id, image_of(self._run.folder, entry.name), entry.version)
            else:
                foreign.append(entry.id)
        self._cancel(foreign)
        index.add(
            (id_, os.fsencode(submitted.image.name), Finished(submitted.version, failed=False))
            for id_, submitted in images.items()
        )
        return list(images.values())

    def _cancel(self, ids: Sequence[str]) -> None:
        """Cancel jobs that nobody waits for: of another run in the same directory, or of rows that were set aside."""
        source = iter(ids)
        while chunk := list(islice(source, _CANCEL_CHUNK)):
            self._service.ledger.run(transitions.cancel(chunk))
            self._service.store.delete(chunk)

    def _new_images(self, index: FinishedIndex, stop: threading.Event) -> Iterator[InputImage]:
        """Images that no run has submitted. The index of a first run is empty, so it is not searched."""
        is_indexed = bool(len(index))
        for image in self._plan.scan(Skipped(), stop):
            if not is_indexed or self._id_of(image.name) not in index:
                yield image

    def _id_of(self, name: str) -> str:
        """The id of the image `name`, whatever its bytes are."""
        return job_id(self._run.key, name)
