"""One worker per device. Two logical CPU devices replace two GPUs: TensorFlow treats both alike."""

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from local.worker_processes import wait_until_ready
from samples.image_set import render_many
from tests.system.operations.test_operating import ops, status
from tests.system.support.polling import eventually, fetch_page
from tests.system.support.stack import ServiceStack, assert_complete

pytestmark = pytest.mark.system

IMAGES = 160

#: Starts a worker with two logical devices. TensorFlow logs the device of each operation.
_WITH_TWO_DEVICES: Final = """
import tensorflow as tf
tf.debugging.set_log_device_placement(True)
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from worker.cli import main
main()
"""


def start_worker_on(stack: ServiceStack, device: str, port: int = 0) -> BackgroundProcess:
    environment = {
        "REDIS_URL": stack.broker.url,
        "MELANOMA_ARTEFACT": str(stack.home / "artefact"),
        "MELANOMA_RUNTIME": "tensorflow",
        "MELANOMA_DEVICE": device,
        "MELANOMA_METRICS_PORT": str(port),
        "TF_CPP_MIN_LOG_LEVEL": "0",
    }
    log = stack.home / f"worker-{len(stack.workers)}.log"
    worker = BackgroundProcess([sys.executable, "-c", _WITH_TWO_DEVICES], log=log, environment=environment)
    stack.workers.append(worker)
    return worker


def predicted_images(port: int) -> float:
    """Images predicted by the worker that has its metrics at `port`."""
    text = fetch_page(f"http://127.0.0.1:{port}/metrics") or ""
    match = re.search(r"^melanoma_batch_size_sum (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else 0


def test_two_workers_predict_on_one_device_each(stack: ServiceStack, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    render_many(folder, IMAGES, size=(320, 240), seed=3)
    ports = {"CPU:0": free_port(), "CPU:1": free_port()}
    workers = {device: start_worker_on(stack, device, port) for device, port in ports.items()}
    for worker in workers.values():
        wait_until_ready(worker)
    eventually(lambda: {process.get("device") for process in status(stack)["processes"]} == set(ports))
    names = ", ".join(f"tensorflow on {device} in float32" for device in ports)
    assert f"2 serving lite0@3 with {names}" in ops(stack, "doctor"), "doctor must name the runtimes and devices"
    submission = stack.submit(folder, "--shard", "4")
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), IMAGES)
    shares = {device: predicted_images(port) for device, port in ports.items()}
    assert min(shares.values()) > 0, "both workers must have predicted"
    assert sum(shares.values()) == IMAGES
    for device, worker in workers.items():
        placed = re.findall(r"\(Conv2D\): \S+/device:(\S+)", worker.log.read_text(errors="replace"))
        assert set(placed) == {device}


def test_missing_device_stops_the_worker(stack: ServiceStack) -> None:
    worker = start_worker_on(stack, "GPU:7")
    assert worker.wait(60) == 2
    errors = [line for line in worker.log.read_text().splitlines() if line.startswith("melanoma-worker:")]
    assert len(errors) == 1
    assert "there is no GPU:7" in errors[0]
    assert "sees CPU:0, CPU:1 here" in errors[0]
