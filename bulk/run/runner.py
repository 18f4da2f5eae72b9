"""One run of one folder: from its files to rows in the output directory, across as many starts as it takes."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from bulk.inputs.reader import read_image
from bulk.inputs.scanner import Candidate, Skipped, scan
from bulk.rejections import FileNotReadable, ReadProblem
from bulk.results.csv_table import CsvTable
from bulk.results.results_file import ResultsFile, read_results
from bulk.run import directory
from bulk.run.directory import RunManifest
from bulk.run.finished_index import FinishedIndex
from bulk.run.journal import SubmissionJournal, read_journal
from bulk.run.progress import ProgressDisplay
from bulk.run.stats import RunStats
from bulk.run.worker_status import WorkerStatus
from bulk.submission.items import ImageResult, InputImage
from bulk.submission.submitter import Submitter
from bulk.submission.uploader import State
from shared.config.settings import Settings
from shared.contract import run_files
from shared.ids import job_id
from shared.service.client import ServiceClient

_INDEXED_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What to run, where the results go, and how many pictures are on their way at once and in a message."""

    run: RunManifest
    out: Path
    window: int
    shard: int


class FolderRunner:
    """Runs `plan` over an open `connection`, counting in `tally`."""

    def __init__(self, plan: RunPlan, config: Settings, connection: ServiceClient, tally: RunStats) -> None:
        self._plan = plan
        self._config = config
        self._connection = connection
        self._tally = tally

    def run(self, display: ProgressDisplay, stop: threading.Event) -> None:
        """Bring every picture of the folder that has no row yet to one.

        Returns early once `stop` is set. Raises `OSError` where results cannot be written, and what
        `bulk.submission.submitter.Submitter.run` raises.
        """
        out = self._plan.out
        with ExitStack() as stack:
            results = stack.enter_context(ResultsFile(out / run_files.RESULTS))
            directory.sync_directory(out)
            index = stack.enter_context(FinishedIndex(out / run_files.INDEX))
            self._take_in(index)
            earlier = self._earlier(index)
            table = stack.enter_context(CsvTable(out / run_files.TABLE, out / run_files.RESULTS))
            if self._tally.earlier:
                table.rewrite()
            journal = stack.enter_context(SubmissionJournal(out / run_files.JOURNAL))
            workers = WorkerStatus(self._connection.ledger)

            def keep(answers: Sequence[ImageResult]) -> None:
                rows = results.append(answers)
                table.append(rows)
                self._tally.add(rows)

            def show() -> None:
                waiting = str(submitter.state) if submitter.state is not State.RUNNING else ""
                display.update(self._tally, waiting or workers.state(self._tally.done))

            submitter = Submitter(
                ledger=self._connection.ledger,
                store=self._connection.store,
                publisher=self._connection.publisher,
                outbox=self._plan.run.outbox,
                key=self._plan.run.key,
                window=self._plan.window,
                shard=self._plan.shard,
                deadline_s=self._config.bulk_deadline_s,
                store_budget=self._config.image_store_max_bytes,
                on_answers=keep,
                before_open=journal.append,
                on_wait=show,
                stop=stop,
            )
            submitter.run(self._new(index), earlier=[self._image(Candidate(name)) for name in earlier])
        if not stop.is_set():
            (out / run_files.JOURNAL).unlink(missing_ok=True)

    def _take_in(self, index: FinishedIndex) -> None:
        """Count and index what previous runs finished."""
        rows = (row for _, row in read_results(self._plan.out / run_files.RESULTS))
        while some := list(islice(rows, _INDEXED_AT_ONCE)):
            index.add(row["id"] for row in some)
            for row in some:
                self._tally.add_earlier(row)

    def _earlier(self, index: FinishedIndex) -> list[str]:
        """Names that a killed run submitted and has no answer for: never more than its window."""
        found: list[str] = []
        for name in read_journal(self._plan.out / run_files.JOURNAL):
            id_ = self._id(name)
            if id_ not in index:
                index.add([id_])
                found.append(name)
        return found

    def _new(self, index: FinishedIndex) -> Iterator[InputImage]:
        """Pictures that no run has seen. A first run asks no index: nothing can be in it."""
        anything = self._tally.earlier > 0 or bool(len(index))
        run = self._plan.run
        for candidate in scan(run.folder, recursive=run.recursive, leave_out=self._plan.out, skipped=Skipped()):
            if not anything or self._id(candidate.name) not in index:
                yield self._image(candidate)

    def _image(self, candidate: Candidate) -> InputImage:
        if candidate.unlisted:
            return InputImage(candidate.name, _unlisted)
        return InputImage(candidate.name, partial(read_image, self._plan.run.folder / candidate.name))

    def _id(self, name: str) -> str:
        return job_id(self._plan.run.key, name)


def _unlisted() -> bytes:
    raise FileNotReadable(ReadProblem.FOLDER_UNREADABLE)
