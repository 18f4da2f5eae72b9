"""Bringing pictures to the store and their jobs to the ledger, as far as there is room."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import islice

import structlog
from redis.exceptions import OutOfMemoryError

from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue
from shared.image_store.store import ImageStore
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob

log = structlog.get_logger(__name__)


class State(StrEnum):
    """Whether there is room, for people to see."""

    RUNNING = "running"
    STORE_FULL = "waiting: the picture store is full"
    REDIS_FULL = "waiting: Redis is at its memory limit"


class Uploader:
    """Opens jobs in `outbox`, at most `most` pictures in one call, fewer where the store is nearly full.

    All of its methods raise what `shared.ledger.ledger.Ledger.run` raises, but for a Redis that is full: that is a
    `state`, told once.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: ImageStore,
        publisher: TaskPublisher,
        queue: Queue,
        outbox: str,
        deadline_s: float,
        most: int,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._publisher = publisher
        self._queue = queue
        self._outbox = outbox
        self._deadline_s = deadline_s
        self._most = most
        self._at_once = most
        self.state = State.RUNNING

    def send(self, images: Mapping[str, bytes], *, room_will_come: bool) -> list[str]:
        """Store the first of `pictures` (id -> bytes) and open their jobs; returns the ids of those.

        Empty where there is no room. Jobs that are there already stay as they are. With `room_will_come` a refusal
        by the store is final for now; otherwise ever fewer are tried, since nothing of ours could make room.
        """
        try:
            some = self._put(images, room_will_come=room_will_come)
            if some:
                self._open(some, stored=True)
        except OutOfMemoryError:
            self._say(State.REDIS_FULL)
            return []
        self._say(State.RUNNING if some else State.STORE_FULL)
        return some

    def send_again(self, images: Mapping[str, bytes]) -> None:
        """Store pictures that were lost, as many as there is room for, and ring for their jobs."""
        try:
            some = self._put(images, room_will_come=False)
            if some:
                self._publisher.publish(self._ledger.run(transitions.mark_ready(some)))
        except OutOfMemoryError:
            self._say(State.REDIS_FULL)
            return
        self._say(State.RUNNING if some else State.STORE_FULL)

    def open_without_pictures(self, ids: Iterable[str]) -> bool:
        """Open those jobs that the ledger does not know; they come back as ones whose picture is lost.

        False where there was no room for them.
        """
        try:
            self._open(ids, stored=False)
        except OutOfMemoryError:
            self._say(State.REDIS_FULL)
            return False
        return True

    def _open(self, ids: Iterable[str], *, stored: bool) -> None:
        jobs = [NewJob(id_) for id_ in ids]
        call = transitions.create_jobs(
            jobs, queue=self._queue, outbox=self._outbox, language="en", deadline_s=self._deadline_s, stored=stored
        )
        self._publisher.publish(self._ledger.run(call))

    def _put(self, images: Mapping[str, bytes], *, room_will_come: bool) -> list[str]:
        some = list(islice(images, self._at_once))
        while not self._store.put({id_: images[id_] for id_ in some}):
            self._at_once = max(1, len(some) // 2)
            if room_will_come or len(some) == 1:
                return []
            some = some[: self._at_once]
        self._at_once = min(2 * self._at_once, self._most)
        return some

    def _say(self, state: State) -> None:
        if state is self.state:
            return
        self.state = state
        if state is State.RUNNING:
            log.info("there is room again")
        else:
            log.warning(str(state))
