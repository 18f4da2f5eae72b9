"""A fake worker for these tests: claims jobs through the ledger and decides by the bytes, without a model."""

import secrets
import threading
import time
from collections import Counter
from typing import Self

from redis import Redis

from shared.contract.decision import (
    Band,
    EvidenceMap,
    Failure,
    FailureReason,
    Receipt,
    Refusal,
    RefusalReason,
    Verdict,
    Work,
)
from shared.contract.names import Queue
from shared.image_store.store import ImageStore
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import TaskMessage
from shared.ledger.script_call import KEY_PREFIX
from shared.redis_client.client import create_client
from shared.redis_client.retry import RedisRetry

REFUSE = b"refuse"
FAIL = b"fail"


def verdict(data: bytes) -> Verdict:
    """A verdict whose probability follows from the bytes and has all digits of a float."""
    probability = int.from_bytes(data[-7:].rjust(7, b"\1"), "big") / 2**56
    return Verdict(
        artefact="test@1",
        population="dermatoscope",
        probability=probability,
        probabilities={"mel": probability, "nv": 1 - probability},
        band=Band.HIGH if probability > 0.5 else Band.LOW,
        receipt=Receipt(lesions=41, malignant=3, low=0.013, high=0.09, population="dermatoscope"),
        evidence=EvidenceMap(rows=2, columns=2, cells=(127, -127, 0, 30)),
        distance=0.5,
        work=Work(batch=8, wait_s=0.01, decode_s=0.01, predict_s=0.02),
    )


def decision(data: bytes) -> Verdict | Refusal | Failure:
    """The decision of the fake worker on an image."""
    if data == REFUSE:
        return Refusal(reason=RefusalReason.NOT_A_PICTURE)
    if data == FAIL:
        return Failure(reason=FailureReason.PREDICT_FAILED)
    return verdict(data)


class FakeWorker:
    """Decides up to `max_batch_size` jobs every `interval_s` seconds, until its `with` block ends."""

    def __init__(self, url: str, *, interval_s: float = 0.002, max_batch_size: int = 16) -> None:
        self._client: Redis = create_client(url)
        retry = RedisRetry("test")
        self._ledger = Ledger(self._client, retry)
        self._store = ImageStore(create_client(url), retry, budget_bytes=2**30, ttl_s=3600)
        self._interval_s = interval_s
        self._max_batch_size = max_batch_size
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        #: Number of decisions on each image.
        self.decided: Counter[bytes] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self.process_batch():
                time.sleep(0.002)
            time.sleep(self._interval_s)

    def process_batch(self) -> int:
        """Claim ready jobs, decide them, and return their number."""
        incarnation = "worker-test"
        self._ledger.run(transitions.heartbeat(incarnation, lease_s=5))
        ready = self._client.zrange(f"{KEY_PREFIX}ready:bulk", 0, self._max_batch_size - 1)
        ids = [id_.decode() for id_ in ready]  # type: ignore[union-attr]
        token = secrets.token_hex(8)
        message = TaskMessage(token, Queue.BULK, ids)
        (claimed,) = self._ledger.run(transitions.claim([message], incarnation=incarnation, max_jobs=0))
        images = dict(zip(claimed, self._store.get([job.id for job in claimed]), strict=True))
        missing = [job.id for job, data in images.items() if data is None]
        if missing:
            self._ledger.run(transitions.request_upload(missing, incarnation=incarnation))
        stored = [(job.id, data) for job, data in images.items() if data is not None]
        if stored:
            self._ledger.run(transitions.decide([(id_, decision(data)) for id_, data in stored]))
            self.decided.update(data for _, data in stored)
        return len(claimed)
