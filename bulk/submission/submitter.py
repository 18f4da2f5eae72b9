"""Submits images with a window of them in flight, and passes their results on.

One thread alternates: fill the window, wait for decisions, collect them. Each call to Redis carries many images, so an
image costs a fraction of a millisecond here. An upload carries the images of several messages, because on a slow
connection each call costs a round trip.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import structlog

from bulk.inputs.input_image import InputImage
from bulk.results.result_row import ResultRow
from bulk.submission.config import SubmissionConfig
from bulk.submission.image_batch import ImageBatch, Reread, SubmittedImage
from bulk.submission.uploader import Uploader, UploadState
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Stage
from shared.image_store.store import ImageStore
from shared.ledger import transitions
from shared.ledger.ledger import Ledger

log = structlog.get_logger(__name__)

# Maximum number of shards whose images go to Redis in one call.
_SHARDS_PER_UPLOAD: Final = 4
#: Longest wait for a change of the outbox, and so the longest delay until a stop is noticed.
_MAX_WAIT_S: Final = 0.5
# Interval of the search for lost images while results arrive. While none arrive, each wait for a change of the outbox
# is followed by a search.
_LOST_IMAGES_INTERVAL_S: Final = 1.0
# Seconds without a result after which all jobs in flight are created again. That changes nothing for those that exist.
_RECREATE_AFTER_S: Final = 10.0


class Submitter:
    """Submits images to one outbox and collects their decisions.

    `on_results` gets each result exactly once and must have made it durable when it returns: after that the ledger
    forgets the job. `before_submit` gets the images before their jobs are created. `on_progress` is called about twice
    a second, also while nothing happens. Once `stop` is set, `run` returns soon and leaves the jobs in flight in the
    ledger.

    A job stands for bytes, not for a name: if a file is replaced before its decision, its job is cancelled and the new
    bytes become a new one.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: ImageStore,
        publisher: TaskPublisher,
        config: SubmissionConfig,
        *,
        on_results: Callable[[Sequence[ResultRow]], None],
        before_submit: Callable[[Sequence[SubmittedImage]], None] = lambda _: None,
        on_progress: Callable[[], None] = lambda: None,
        stop: threading.Event | None = None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._config = config
        self._on_results = on_results
        self._before_submit = before_submit
        self._on_progress = on_progress
        self._stop = stop or threading.Event()
        self._shard = min(config.shard, config.window)
        self._max_batch_size = _SHARDS_PER_UPLOAD * self._shard
        self._uploader = Uploader(ledger, store, publisher, config, max_batch_size=self._max_batch_size)
        self._in_flight: dict[str, SubmittedImage] = {}
        #: Jobs of an earlier run of the same outbox that are not read yet. The ledger may know them or not.
        self._resumed: deque[str] = deque()
        #: Images that are read and not yet accepted by the store.
        self._to_upload: dict[str, bytes] = {}
        #: Images whose file was replaced while its old bytes were in flight.
        self._replaced: deque[InputImage] = deque()
        self._source: Iterator[InputImage] = iter(())
        self._exhausted = False
        self._lost_images_searched = 0.0
        self._last_result = 0.0

    @property
    def state(self) -> UploadState:
        """`RUNNING`, or the reason why uploads wait."""
        return self._uploader.state

    def run(self, images: Iterable[InputImage], *, resumed: Iterable[SubmittedImage] = ()) -> None:
        """Submit all `images` and collect their results.

        `resumed` are images that a killed run of this outbox may have submitted and has no result of. Raises
        `shared.redis_client.retry.RedisAccessDenied` and `shared.redis_client.retry.ShutdownRequested`.
        """
        self._source, self._exhausted = iter(images), False
        for submitted in resumed:
            self._in_flight[submitted.id] = submitted
            self._resumed.append(submitted.id)
        self._last_result = time.monotonic()
        idle = False
        while not self._stop.is_set():
            self._on_progress()
            if self._submit_batch(idle):
                continue
            if self._exhausted and not self._in_flight and not self._replaced:
                return
            changed = self._ledger.wait_for_outbox_change(self._config.outbox, _MAX_WAIT_S)
            idle = not self._collect()
            if idle or time.monotonic() - self._lost_images_searched > _LOST_IMAGES_INTERVAL_S:
                self._upload_lost_images()
            if not changed and time.monotonic() - self._last_result > _RECREATE_AFTER_S:
                self._recreate_jobs()

    def _submit_batch(self, idle: bool) -> bool:
        """Submit one batch. False if the window or Redis is full, or nothing is left."""
        if not self._to_upload:
            if self._resumed:
                if not self._read_resumed():
                    return False
            elif (self._exhausted and not self._replaced) or not self._read_new(idle):
                return False
        if not self._to_upload:
            return True  # all images of the batch were refused here
        submitted_before = len(self._in_flight) > len(self._to_upload) + len(self._resumed)
        uploaded = self._uploader.upload(self._to_upload, space_expected=submitted_before)
        for id_ in uploaded:
            del self._to_upload[id_]
        return bool(uploaded)

    def _read_new(self, idle: bool) -> bool:
        """Read new images, and report those that cannot be read. False if the window is full."""
        free = self._window_space
        # Fewer images than a shard are submitted only while no results arrive that would make space for more.
        if free < self._shard and not (idle and free > 0):
            return False
        batch = self._new_batch(min(free, self._max_batch_size))
        while not batch.is_full and len(batch.refusals) < self._max_batch_size:
            image = self._replaced.popleft() if self._replaced else next(self._source, None)
            if image is None:
                self._exhausted = True
                break
            if submitted := batch.read(image):
                self._in_flight[submitted.id] = submitted
        self._to_upload = batch.images
        if batch.refusals:
            self._on_results(batch.refusals)
        if self._to_upload:
            self._before_submit([self._in_flight[id_] for id_ in self._to_upload])
        return True

    def _read_resumed(self) -> bool:
        """Read images of the earlier run. For one that cannot be read the ledger is asked: it may have the decision."""
        batch = self._new_batch(self._max_batch_size)
        while self._resumed and not batch.is_full:
            id_ = self._resumed.popleft()
            if submitted := self._in_flight.get(id_):  # otherwise its result has arrived already
                self._reread(batch, submitted)
        self._to_upload = batch.images
        unreadable = [row.id for row in batch.refusals]
        if unreadable and not self._uploader.create_jobs_without_images(unreadable):
            self._resumed.extend(unreadable)
            return bool(self._to_upload)
        return True

    @property
    def _window_space(self) -> int:
        return self._config.window - len(self._in_flight)

    def _new_batch(self, max_images: int) -> ImageBatch:
        config = self._config
        return ImageBatch(key=config.key, max_images=max_images, max_image_bytes=config.max_image_bytes)

    def _reread(self, batch: ImageBatch, submitted: SubmittedImage) -> None:
        """Read the bytes of a job again for `batch`. If they have changed, the job is cancelled."""
        if batch.reread(submitted) is Reread.CHANGED:
            self._ledger.run(transitions.cancel([submitted.id]))
            self._forget([submitted.id])
            self._replaced.append(submitted.image)

    def _collect(self) -> bool:
        """Pass the decisions on, then let the ledger and the store forget them. False if there were none."""
        collected = False
        outbox, window = self._config.outbox, self._config.window
        while jobs := self._ledger.run(transitions.peek(Stage.DECIDED, outbox=outbox, limit=window)):
            collected = True
            # A job that is not in flight has its result from a run that was killed before it could complete the job.
            rows = [
                ResultRow.from_job(job, submitted.image.name, submitted.version)
                for job in jobs
                if (submitted := self._in_flight.get(job.id))
            ]
            if rows:
                self._on_results(rows)
            ids = [job.id for job in jobs]
            self._ledger.run(transitions.complete(ids, retention_s=0))
            self._forget(ids)
            if len(jobs) < window:
                break
        if collected:
            self._last_result = time.monotonic()
        return collected

    def _forget(self, ids: Sequence[str]) -> None:
        self._store.delete(ids)
        for id_ in ids:
            self._in_flight.pop(id_, None)
            self._to_upload.pop(id_, None)

    def _upload_lost_images(self) -> None:
        """Upload the images that the store lost; cancel jobs whose image cannot be read any more."""
        self._lost_images_searched = time.monotonic()
        batch = self._new_batch(self._max_batch_size)
        unknown: list[str] = []
        peek = transitions.peek(Stage.RECEIVED, outbox=self._config.outbox, limit=self._max_batch_size)
        for job in self._ledger.run(peek):
            submitted = self._in_flight.get(job.id)
            if submitted is None:
                unknown.append(job.id)
            elif not batch.is_full:
                self._reread(batch, submitted)
        if batch.refusals:
            self._on_results(batch.refusals)
        if cancelled := unknown + [row.id for row in batch.refusals]:
            self._ledger.run(transitions.cancel(cancelled))
            self._forget(cancelled)
        if batch.images:
            log.info("the image store lost images, uploading them again", images=len(batch.images))
            self._uploader.upload_again(batch.images)

    def _recreate_jobs(self) -> None:
        """Recover from a Redis that lost the ledger: create its missing jobs again, without their images."""
        self._last_result = time.monotonic()
        self._uploader.create_jobs_without_images([id_ for id_ in self._in_flight if id_ not in self._to_upload])
