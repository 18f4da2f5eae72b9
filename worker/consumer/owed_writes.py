"""Writes what a worker owes to the ledger: decisions and releases. They are repeated until the ledger takes them."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import structlog
from redis.exceptions import RedisError

from shared.broker.publisher import TaskPublisher
from shared.coalescing.threads import Coalescer
from shared.contract.decision import Failure, Refusal, Verdict
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested

T = TypeVar("T")

DecidedJob = tuple[str, Verdict | Refusal | Failure]

#: What the ledger and the image store raise, whatever the image is. `ShutdownRequested` is not among them.
REDIS_ERRORS: Final = (RedisError, RedisAccessDenied)

_PAUSE_S: Final = 1.0

log = structlog.get_logger(__name__)


class OwedWrites:
    """Writer of the decisions, releases and requests for uploads of one incarnation. Shared by all task threads.

    `Ledger.run` waits while Redis is unavailable. This class also repeats writes that Redis refuses for another reason.
    A thread that waits keeps its task slot, so a worker that cannot write takes no more messages.

    Args:
        ledger: The ledger.
        publisher: Publishes the messages of released jobs.
        incarnation: Holder of the jobs.
        on_refusal: Called with each error.
        stop: Once it is set, a write that the ledger refuses raises `ShutdownRequested`.
    """

    def __init__(
        self,
        ledger: Ledger,
        publisher: TaskPublisher,
        *,
        incarnation: str,
        on_refusal: Callable[[Exception], None],
        stop: threading.Event,
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._incarnation = incarnation
        self._on_refusal = on_refusal
        self._stop = stop
        # Under load many messages hold one image each. Their concurrent decisions are coalesced.
        self._decisions: Coalescer[DecidedJob, bool] = Coalescer(self._decide)

    def try_decide(self, decided: Sequence[DecidedJob]) -> dict[str, bool]:
        """Write decisions. Returns for each that the ledger took whether it was the first of its job."""
        try:
            return dict(zip((id_ for id_, _ in decided), self._decisions.call(decided), strict=True))
        except REDIS_ERRORS as error:
            self._on_refusal(error)
        # The refusal may be due to one decision, of this message or of another that shared the call. So each is written
        # alone, and none waits for another.
        written: dict[str, bool] = {}
        for job in decided:
            try:
                (written[job[0]],) = self._decide([job])
            except REDIS_ERRORS as error:
                self._on_refusal(error)
        return written

    def wait(self) -> None:
        """Wait until refused writes may be repeated. Raises `ShutdownRequested`."""
        if self._stop.wait(_PAUSE_S):
            raise ShutdownRequested

    def release(self, ids: Sequence[str] = (), *, suspect: bool = False, token: str = "") -> None:
        """Return claimed jobs to `ready` and publish the messages owed; arguments as of `transitions.release`."""
        released = transitions.release(ids, incarnation=self._incarnation, suspect=suspect, token=token)
        self._publisher.publish(self._repeat(lambda: self._ledger.run(released)))

    def request_upload(self, ids: Sequence[str]) -> None:
        """Return claimed jobs to `received`: the store lost their images."""
        requested = transitions.request_upload(ids, incarnation=self._incarnation)
        self._repeat(lambda: self._ledger.run(requested))

    def _decide(self, decided: Sequence[DecidedJob]) -> list[bool]:
        return self._ledger.run(transitions.decide(decided))

    def _repeat(self, write: Callable[[], T]) -> T:
        while True:
            try:
                return write()
            except REDIS_ERRORS as error:
                self._on_refusal(error)
            self.wait()
