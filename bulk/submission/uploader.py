"""Uploads images to the image store and creates their jobs in the ledger, as far as there is space."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice

import structlog
from redis.exceptions import OutOfMemoryError

from bulk.submission.config import SubmissionConfig
from shared.broker.publisher import TaskPublisher
from shared.image_store.store import ImageStore
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob

log = structlog.get_logger(__name__)


class UploadState(StrEnum):
    """State of the uploads. The values are shown to the user."""

    RUNNING = "running"
    STORE_FULL = "waiting: the picture store is full"
    REDIS_FULL = "waiting: Redis is at its memory limit"


class Uploader:
    """Creates jobs with up to `max_batch_size` images in one call, fewer while the image store is nearly full.

    All methods raise what `shared.ledger.ledger.Ledger.run` raises, except for a full Redis: that becomes the `state`
    and is logged once.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: ImageStore,
        publisher: TaskPublisher,
        config: SubmissionConfig,
        *,
        max_batch_size: int,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._publisher = publisher
        self._config = config
        self._max_batch_size = max_batch_size
        self._batch_size = max_batch_size
        self.state = UploadState.RUNNING

    def upload(self, images: Mapping[str, bytes], *, space_expected: bool) -> list[str]:
        """Store the first of `images` (id -> bytes) and create their jobs; returns the ids of those.

        Empty if there is no space. Existing jobs stay as they are. `space_expected` says that images of this run are in
        flight, whose decisions will free space. Then nothing is stored if the batch does not fit; otherwise ever
        smaller batches are tried.
        """
        try:
            stored = self._put(images, space_expected=space_expected)
            if stored:
                self._create_jobs_of(stored)
        except OutOfMemoryError:
            self._set_state(UploadState.REDIS_FULL)
            return []
        self._set_state(UploadState.RUNNING if stored else UploadState.STORE_FULL)
        return stored

    def upload_again(self, images: Mapping[str, bytes]) -> None:
        """Store images that the store lost, as many as there is space for, and publish their jobs."""
        try:
            stored = self._put(images, space_expected=False)
            if stored:
                marked = self._ledger.run(transitions.mark_ready(stored))
                self._store.delete(marked.unused)
                self._publisher.publish(marked.pending)
        except OutOfMemoryError:
            self._set_state(UploadState.REDIS_FULL)
            return
        self._set_state(UploadState.RUNNING if stored else UploadState.STORE_FULL)

    def create_jobs_without_images(self, ids: Iterable[str]) -> bool:
        """Create the jobs that the ledger does not know. Their images are then uploaded like lost ones.

        False if there was no space for them.
        """
        try:
            self._create_jobs(ids, stored=False)
        except OutOfMemoryError:
            self._set_state(UploadState.REDIS_FULL)
            return False
        return True

    def _create_jobs_of(self, stored: Sequence[str]) -> None:
        try:
            self._create_jobs(stored, stored=True)
        except OutOfMemoryError:
            # The images take memory that the jobs of others need.
            self._store.delete(stored)
            raise

    def _create_jobs(self, ids: Iterable[str], *, stored: bool) -> None:
        config = self._config
        call = transitions.create_jobs(
            [NewJob(id_) for id_ in ids],
            queue=config.queue,
            outbox=config.outbox,
            language="en",
            deadline_s=config.deadline_s,
            stored=stored,
        )
        self._publisher.publish(self._ledger.run(call))

    def _put(self, images: Mapping[str, bytes], *, space_expected: bool) -> list[str]:
        ids = list(islice(images, self._batch_size))
        while not self._store.put({id_: images[id_] for id_ in ids}):
            self._batch_size = max(1, len(ids) // 2)
            if space_expected or len(ids) == 1:
                return []
            ids = ids[: self._batch_size]
        self._batch_size = min(2 * self._batch_size, self._max_batch_size)
        return ids

    def _set_state(self, state: UploadState) -> None:
        if state is self.state:
            return
        self.state = state
        if state is UploadState.RUNNING:
            log.info("there is space again, uploads continue")
        else:
            log.warning(str(state))
