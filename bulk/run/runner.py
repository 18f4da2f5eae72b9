"""Runs the command on one folder: from its files to rows in the output directory.

A run that was stopped or killed is continued by the next start.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from bulk.inputs.formats import read_image
from bulk.inputs.input_image import InputImage
from bulk.inputs.scanner import Skipped, scan
from bulk.results.csv_table import CsvTable
from bulk.results.result_row import ResultRow
from bulk.results.results_file import ResultsFile, read_results
from bulk.results.run_stats import RunStats
from bulk.run.finished_index import FinishedIndex
from bulk.run.journal import SubmissionJournal, read_journal
from bulk.run.manifest import RunManifest
from bulk.run.output_directory import sync_directory
from bulk.run.progress import ProgressDisplay
from bulk.run.worker_status import WorkerStatus
from bulk.submission.config import SubmissionConfig
from bulk.submission.submitter import Submitter
from bulk.submission.uploader import UploadState
from shared.config.settings import Settings
from shared.contract import run_files
from shared.ids import job_id
from shared.service.client import ServiceClient

_INDEX_CHUNK: Final = 10_000


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The run, its output directory, and the maximum number of images in flight and in one Celery message."""

    run: RunManifest
    out: Path
    window: int
    shard: int

    def scan(self, skipped: Skipped) -> Iterator[InputImage]:
        """Yield the images of the folder, without those in the output directory."""
        return scan(self.run.folder, recursive=self.run.recursive, exclude=self.out, skipped=skipped)


class FolderRunner:
    """Runs `plan` over an open connection to the service, and counts in `stats`."""

    def __init__(self, plan: RunPlan, config: Settings, service: ServiceClient, stats: RunStats) -> None:
        self._plan = plan
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
            results = stack.enter_context(ResultsFile(out / run_files.RESULTS))
            sync_directory(out)
            index = stack.enter_context(FinishedIndex(out / run_files.FINISHED_INDEX))
            self._index_finished(index)
            unanswered = self._unanswered(index)
            table = stack.enter_context(CsvTable(out / run_files.CSV_TABLE, out / run_files.RESULTS))
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
            submitter.run(self._new_images(index), resumed=unanswered)
        if not stop.is_set():
            (out / run_files.JOURNAL).unlink(missing_ok=True)

    def _submission_config(self) -> SubmissionConfig:
        return SubmissionConfig(
            outbox=self._plan.run.outbox,
            key=self._plan.run.key,
            window=self._plan.window,
            shard=self._plan.shard,
            deadline_s=self._config.bulk_deadline_s,
            max_image_bytes=self._config.image_store_max_bytes,
        )

    def _index_finished(self, index: FinishedIndex) -> None:
        """Count and index what earlier runs finished."""
        rows = (row for _, row in read_results(self._plan.out / run_files.RESULTS))
        while chunk := list(islice(rows, _INDEX_CHUNK)):
            index.add(row.id for row in chunk)
            for row in chunk:
                self._stats.add_resumed(row)

    def _unanswered(self, index: FinishedIndex) -> list[InputImage]:
        """Images that an interrupted run submitted and has no result of: never more than its window."""
        images: list[InputImage] = []
        for name in read_journal(self._plan.out / run_files.JOURNAL):
            id_ = self._id_of(name)
            if id_ not in index:
                index.add([id_])
                images.append(InputImage(name, partial(read_image, self._plan.run.folder, name)))
        return images

    def _new_images(self, index: FinishedIndex) -> Iterator[InputImage]:
        """Images that no run has submitted. The index of a first run is empty, so it is not searched."""
        indexed = self._stats.resumed > 0 or bool(len(index))
        for image in self._plan.scan(Skipped()):
            if not indexed or self._id_of(image.name) not in index:
                yield image

    def _id_of(self, name: str) -> str:
        return job_id(self._plan.run.key, name)
