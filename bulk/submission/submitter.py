"""The engine of the folder command: keeps a window of pictures in flight and hands on the answers.

One thread that alternates: fill the window, wait for news, take the answers. Everything goes in groups, so that a
picture costs a fraction of a millisecond here, and several groups go at once where the way to Redis is long.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import structlog

from bulk.submission.items import ImageResult, InputImage, from_job, load
from bulk.submission.uploader import State, Uploader
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue, Stage
from shared.ids import job_id
from shared.image_store.store import ImageStore
from shared.ledger import transitions
from shared.ledger.ledger import Ledger

log = structlog.get_logger(__name__)

# Messages' worth of pictures that go to Redis in one call, and the most bytes of them in memory.
_SHARDS_AT_ONCE: Final = 4
_BYTES_AT_ONCE: Final = 8 * 2**20
#: Longest wait for news; also how soon a stop is noticed.
_WAIT_S: Final = 0.5
# How often lost pictures are looked for while answers flow. They also ring when nothing else does.
_LOST_EVERY_S: Final = 1.0
# After this long without an answer the jobs in flight are opened again, which does nothing to those that are there.
_REOPEN_AFTER_S: Final = 10.0


class Submitter:
    """Submits pictures to one outbox and collects their decisions.

    `key` makes job ids from names. At most `window` pictures are in flight and `shard` in one message; pictures
    above `store_budget` bytes are refused here. `on_answers` gets each answer exactly once and must have made it
    durable when it returns: after that the ledger forgets the job. `before_open` hears the names of pictures before
    the ledger does. `on_wait` is called at least twice a second, also while nothing happens. Once `stop` is set,
    `run` returns soon, and the jobs in flight stay behind. `queue` is another one than bulk only for load runs.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: ImageStore,
        publisher: TaskPublisher,
        outbox: str,
        key: bytes,
        window: int,
        shard: int,
        deadline_s: float,
        store_budget: int,
        on_answers: Callable[[Sequence[ImageResult]], None],
        before_open: Callable[[Sequence[str]], None] = lambda _: None,
        on_wait: Callable[[], None] = lambda: None,
        queue: Queue = Queue.BULK,
        stop: threading.Event | None = None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._outbox = outbox
        self._key = key
        self._window = window
        self._shard = min(shard, window)
        self._at_once = _SHARDS_AT_ONCE * self._shard
        self._store_budget = store_budget
        self._on_answers = on_answers
        self._before_open = before_open
        self._on_wait = on_wait
        self._stop = stop or threading.Event()
        self._uploader = Uploader(
            ledger=ledger,
            store=store,
            publisher=publisher,
            queue=queue,
            outbox=outbox,
            deadline_s=deadline_s,
            most=self._at_once,
        )
        self._in_flight: dict[str, InputImage] = {}
        #: Pictures of an earlier run of the same outbox, which the ledger may know or not.
        self._again: deque[str] = deque()
        #: Read, and not yet accepted by the store.
        self._group: dict[str, bytes] = {}
        self._source: Iterator[InputImage] = iter(())
        self._exhausted = False
        self._looked_for_lost = 0.0
        self._last_answer = 0.0

    @property
    def in_flight(self) -> int:
        """Pictures that are read or submitted, and not answered."""
        return len(self._in_flight)

    @property
    def state(self) -> State:
        """Whether there is room for more pictures in Redis."""
        return self._uploader.state

    def run(self, images: Iterable[InputImage], *, earlier: Iterable[InputImage] = ()) -> None:
        """Bring all `pictures` to their answers.

        `earlier` are those that a killed run of this outbox may have submitted and never saw the answer of.
        Raises `shared.redis_client.retry.RedisAccessDenied` and `shared.redis_client.retry.Stopped`.
        """
        self._source, self._exhausted = iter(images), False
        for image in earlier:
            id_ = self.id_of(image.name)
            self._in_flight[id_] = image
            self._again.append(id_)
        self._last_answer = time.monotonic()
        idle = False
        while not self._stop.is_set():
            self._on_wait()
            if self._fill(idle):
                continue
            if self._exhausted and not self._in_flight:
                return
            news = self._ledger.wait_for_outbox_change(self._outbox, _WAIT_S)
            idle = not self._collect()
            if idle or time.monotonic() - self._looked_for_lost > _LOST_EVERY_S:
                self._bring_lost()
            if not news and time.monotonic() - self._last_answer > _REOPEN_AFTER_S:
                self._reopen()

    def id_of(self, name: str) -> str:
        """The job id of the picture `name`."""
        return job_id(self._key, name)

    def _fill(self, idle: bool) -> bool:
        """Submit one group. False where the window is full, Redis is, or nothing is left."""
        if not self._group:
            if self._again:
                if not self._gather_again():
                    return False
            elif self._exhausted or not self._gather(idle):
                return False
        if not self._group:
            return True  # all of them were answered here
        answers_to_come = len(self._in_flight) > len(self._group) + len(self._again)
        sent = self._uploader.send(self._group, room_will_come=answers_to_come)
        for id_ in sent:
            del self._group[id_]
        return bool(sent)

    def _gather(self, idle: bool) -> bool:
        """Read new pictures; those that cannot be read are answered here. False where the window is full."""
        room = self._window - len(self._in_flight)
        # Full messages, unless answers do not come and a part of one is all there is room for.
        if room < self._shard and not (idle and room > 0):
            return False
        most = min(room, self._at_once)
        refused: list[ImageResult] = []
        size = 0
        while len(self._group) < most and len(refused) < self._at_once and size < _BYTES_AT_ONCE:
            image = next(self._source, None)
            if image is None:
                self._exhausted = True
                break
            id_ = self.id_of(image.name)
            if id_ in self._in_flight:
                continue
            data = self._load(id_, image)
            if isinstance(data, ImageResult):
                refused.append(data)
            else:
                self._in_flight[id_] = image
                self._group[id_] = data
                size += len(data)
        if refused:
            self._on_answers(refused)
        if self._group:
            self._before_open([self._in_flight[id_].name for id_ in self._group])
        return True

    def _gather_again(self) -> bool:
        """Read pictures of the earlier run. One that cannot be read is left to the ledger, if that knows it."""
        unreadable: list[str] = []
        size = 0
        while self._again and len(self._group) < self._at_once and size < _BYTES_AT_ONCE:
            id_ = self._again.popleft()
            image = self._in_flight.get(id_)
            if image is None:
                continue  # its answer was there already
            data = self._load(id_, image)
            if isinstance(data, ImageResult):
                unreadable.append(id_)
            else:
                self._group[id_] = data
                size += len(data)
        if unreadable and not self._uploader.open_without_pictures(unreadable):
            self._again.extend(unreadable)
            return bool(self._group)
        return True

    def _load(self, id_: str, image: InputImage) -> bytes | ImageResult:
        return load(id_, image, most_bytes=self._store_budget)

    def _collect(self) -> bool:
        """Hand on what is decided, then let the ledger and the store forget it. False where nothing was."""
        found = False
        while jobs := self._ledger.run(transitions.peek(Stage.DECIDED, outbox=self._outbox, limit=self._window)):
            found = True
            # A job that is not in flight was answered by a run that was killed before it could close it.
            answers = [from_job(job, image.name) for job in jobs if (image := self._in_flight.get(job.id))]
            if answers:
                self._on_answers(answers)
            ids = [job.id for job in jobs]
            self._ledger.run(transitions.complete(ids, retention_s=0))
            self._forget(ids)
            if len(jobs) < self._window:
                break
        if found:
            self._last_answer = time.monotonic()
        return found

    def _forget(self, ids: Sequence[str]) -> None:
        self._store.delete(ids)
        for id_ in ids:
            self._in_flight.pop(id_, None)
            self._group.pop(id_, None)

    def _bring_lost(self) -> None:
        """Upload again what the store lost."""
        self._looked_for_lost = time.monotonic()
        found: dict[str, bytes] = {}
        gone: list[str] = []
        refused: list[ImageResult] = []
        size = 0
        for job in self._ledger.run(transitions.peek(Stage.RECEIVED, outbox=self._outbox, limit=self._at_once)):
            image = self._in_flight.get(job.id)
            if image is None:
                gone.append(job.id)  # nobody waits for it
            elif size < _BYTES_AT_ONCE:
                data = self._load(job.id, image)
                if isinstance(data, ImageResult):
                    refused.append(data)
                else:
                    found[job.id] = data
                    size += len(data)
        if refused:
            self._on_answers(refused)
            gone += [answer.id for answer in refused]
        if gone:
            self._ledger.run(transitions.cancel(gone))
            self._forget(gone)
        if found:
            log.info("the store lost pictures, uploading them again", images=len(found))
            self._uploader.send_again(found)

    def _reopen(self) -> None:
        """Heal a Redis that lost the ledger itself: jobs that it does not know come back as lost ones."""
        self._last_answer = time.monotonic()
        self._uploader.open_without_pictures([id_ for id_ in self._in_flight if id_ not in self._group])
