"""One worker a device. The two halves of a CPU stand in for two GPUs: TensorFlow treats them as two devices."""

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from local.worker_processes import wait_until_ready
from samples.many import render_many
from tests.system.polling import eventually, page
from tests.system.stack import House, assert_complete
from tests.system.test_operating import ops, status

pytestmark = pytest.mark.system

PICTURES = 160

#: A worker on a machine with two devices, whose TensorFlow says where it puts each operation.
_WITH_TWO_DEVICES: Final = """
import tensorflow as tf
tf.debugging.set_log_device_placement(True)
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from worker.cli import main
main()
"""


def start_on(house: House, device: str, port: int = 0) -> BackgroundProcess:
    environment = {
        "REDIS_URL": house.broker.url,
        "MELANOMA_ARTEFACT": str(house.home / "artefact"),
        "MELANOMA_DEVICE": device,
        "MELANOMA_METRICS_PORT": str(port),
        "TF_CPP_MIN_LOG_LEVEL": "0",
    }
    log = house.home / f"worker-{len(house.workers)}.log"
    worker = BackgroundProcess([sys.executable, "-c", _WITH_TWO_DEVICES], log=log, environment=environment)
    house.workers.append(worker)
    return worker


def predicted(port: int) -> float:
    """Pictures that the worker with its metrics at `port` has predicted."""
    text = page(f"http://127.0.0.1:{port}/metrics") or ""
    found = re.search(r"^melanoma_batch_size_sum (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0


def test_two_workers_predict_on_a_device_each(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    render_many(folder, PICTURES, size=(320, 240), seed=3)
    ports = {"CPU:0": free_port(), "CPU:1": free_port()}
    workers = {device: start_on(house, device, port) for device, port in ports.items()}
    for worker in workers.values():
        wait_until_ready(worker)
    eventually(lambda: {one.get("device") for one in status(house)["processes"]} == set(ports))
    assert "2 on CPU:0, CPU:1" in ops(house, "doctor"), "the doctor names the devices"
    submission = house.submit(folder, "--shard", "4")
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), PICTURES)
    shares = {device: predicted(port) for device, port in ports.items()}
    assert min(shares.values()) > 0, "both worked"
    assert sum(shares.values()) == PICTURES
    for device, worker in workers.items():
        placed = re.findall(r"\(Conv2D\): \S+/device:(\S+)", worker.log.read_text(errors="replace"))
        assert set(placed) == {device}


def test_a_device_that_is_not_there_stops_the_worker(house: House) -> None:
    worker = start_on(house, "GPU:7")
    assert worker.wait(60) == 2
    said = [line for line in worker.log.read_text().splitlines() if line.startswith("melanoma-worker:")]
    assert len(said) == 1
    assert "there is no GPU:7" in said[0]
    assert "sees CPU:0, CPU:1 here" in said[0]
