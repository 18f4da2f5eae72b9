"""A task handler with a real Valkey, a real pipeline and a scripted predictor."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr
from redis import Redis

from shared.config.settings import Settings
from shared.contract.decision import Failure, Refusal, Verdict, decision_from_json
from shared.contract.names import Queue, Stage
from shared.ids import new_token
from shared.ledger import admin, transitions
from shared.ledger.records import JobHistory, NewJob, TaskMessage
from shared.model.artefact import Manifest
from shared.redis_client.retry import RedisAccessDenied
from shared.service.connections import ServiceConnections
from tests.worker.artefacts import load_scripted, write_artefact
from tests.worker.scripted_predictor import ScriptedPredictor
from worker.consumer.backoff import Backoff
from worker.consumer.owed_writes import OwedWrites
from worker.consumer.task_handler import TaskHandler
from worker.serving.model_manager import LoadedModel, ModelManager

INCARNATION = "worker-test"
OUTBOX = "test"

_STORE_USER = "images"


class HandlerHarness:
    """The handler of a worker without Celery, which claims only the jobs that a message names.

    `predictors` are those of the loaded artefacts, by directory name.
    """

    def __init__(
        self, home: Path, redis_url: str, manifest: Manifest, *, jobs_per_message: int = 0, **settings: Any
    ) -> None:
        self.home = home
        self.manifest = manifest
        self.jobs_per_message = jobs_per_message
        self.config = Settings(
            redis_url=SecretStr(redis_url),
            # The store has a user of its own, whose rights a test can change.
            image_store_url=SecretStr(redis_url.replace("redis://", f"redis://{_STORE_USER}:password@")),
            max_batch_size=8,
            decode_slots=2,
            **settings,
        )
        self.predictors: dict[str, ScriptedPredictor] = {}
        self.denied: list[RedisAccessDenied] = []
        self.stop_waiting = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.client: Any = self._stack.enter_context(Redis.from_url(self.config.ledger_url))
        self.client.execute_command("ACL", "SETUSER", _STORE_USER, "on", ">password", "~*", "+@all")
        connections = ServiceConnections(self.config, stop=self.stop_waiting)
        self._stack.enter_context(connections)
        self.ledger, self.store = connections.ledger, connections.store
        self.manager = ModelManager(self.load(self.make_artefact("first")), self.load)
        self._stack.callback(self.manager.join)
        self._stack.callback(self.manager.release)
        self.backoff = Backoff(self.denied.append)
        self.handler = TaskHandler(
            ledger=self.ledger,
            store=self.store,
            owed_writes=OwedWrites(
                self.ledger,
                connections.publisher,
                incarnation=INCARNATION,
                on_refusal=self.backoff.report_failure,
                stop=self.stop_waiting,
            ),
            backoff=self.backoff,
            model_manager=self.manager,
            incarnation=INCARNATION,
            max_bulk_in_flight=self.config.max_bulk_in_flight,
            max_attempts=self.config.max_attempts,
            jobs_per_message=self.jobs_per_message,
        )
        self.heartbeat()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_waiting.set()
        self._stack.close()

    @property
    def predictor(self) -> ScriptedPredictor:
        """The predictor of the artefact in use."""
        return self.predictors[self.manager.current.directory.name]

    def make_artefact(self, name: str) -> Path:
        """Write an artefact; its version is its name."""
        return write_artefact(self.home / name, self.manifest, version=name)

    def load(self, directory: Path) -> LoadedModel:
        """Load an artefact with a new scripted predictor."""
        self.predictors[directory.name] = ScriptedPredictor(self.manifest)
        return load_scripted(directory, self.predictors[directory.name], self.config)

    @contextmanager
    def store_refusing_reads(self) -> Iterator[None]:
        """The store denies the worker's user its reads inside the context."""
        self.client.execute_command("ACL", "SETUSER", _STORE_USER, "-mget")
        try:
            yield
        finally:
            self.client.execute_command("ACL", "SETUSER", _STORE_USER, "+mget")

    def heartbeat(self) -> None:
        """Register the worker, as its heartbeat thread does."""
        self.ledger.run(transitions.heartbeat(INCARNATION, lease_s=60))

    def submit(
        self, images: Mapping[str, bytes], *, queue: Queue = Queue.BULK, stored: bool = True, deadline_s: float = 60
    ) -> list[str]:
        """Create jobs, by id. Returns the ids. Nothing is published: tests hand messages over by `classify`."""
        if stored:
            assert self.store.put(images)
        self.ledger.run(
            transitions.create_jobs(
                [NewJob(id_) for id_ in images],
                queue=queue,
                outbox=OUTBOX,
                language="en",
                deadline_s=deadline_s,
                stored=True,
            )
        )
        return list(images)

    def classify(self, ids: Sequence[str]) -> dict[str, int]:
        """Handle a new message with `ids`."""
        return self.handler.classify(TaskMessage(new_token(), Queue.BULK, ids))

    def start(self, ids: Sequence[str]) -> "RunningMessage":
        """Handle a new message with `ids` in a thread."""
        return RunningMessage(self, ids)

    def decision(self, id_: str) -> Verdict | Refusal | Failure:
        """Return the decision on a job."""
        return decision_from_json(self.history(id_).decision)

    def verdict(self, id_: str) -> Verdict:
        """Return the decision on a job, which must be a verdict."""
        decision = self.decision(id_)
        assert isinstance(decision, Verdict), decision
        return decision

    def stage(self, id_: str) -> Stage:
        """Return the stage of a job."""
        return self.history(id_).stage

    def history(self, id_: str) -> JobHistory:
        """Return the record of a job."""
        history = self.ledger.run(admin.get_history(id_))
        assert history is not None, id_
        return history

    def published_ids(self) -> list[list[str]]:
        """Return the ids in each message of the queues, the oldest first."""
        return [
            json.loads(base64.b64decode(json.loads(message)["body"]))[0][0]
            for queue in Queue
            for message in reversed(self.client.lrange(str(queue), 0, -1))
        ]


class RunningMessage:
    """A message that a thread handles. `result` waits for the counts."""

    def __init__(self, harness: HandlerHarness, ids: Sequence[str]) -> None:
        self._counts: dict[str, int] | None = None
        self._error: BaseException | None = None

        def run() -> None:
            try:
                self._counts = harness.classify(ids)
            except BaseException as error:  # noqa: BLE001 - raised by `result`
                self._error = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def is_running(self) -> bool:
        """Return whether the message is still handled."""
        return self._thread.is_alive()

    def result(self, timeout_s: float = 30) -> dict[str, int]:
        """Wait for the end of the message."""
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), "the message does not end"
        if self._error is not None:
            raise self._error
        assert self._counts is not None
        return self._counts
