"""Metrics of the worker, and tasks in Flower."""

import json
import re
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from local.embedded_valkey import free_port
from local.flower import flower_address, flower_command
from local.subprocesses import BackgroundProcess
from ops.exporter import LedgerCollector
from samples.image_set import render_many
from shared.config.settings import Settings
from shared.contract.decision import UNMEASURED
from tests.system.support.polling import eventually, fetch_page
from tests.system.support.stack import ServiceStack

pytestmark = pytest.mark.system


def test_metrics_and_flower_show_finished_work(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    render_many(folder, 30, size=(320, 240), seed=3)
    (folder / "text.jpg").write_text("no picture")
    port = free_port()
    with ServiceStack(tmp_path / "stack", {"MELANOMA_METRICS_PORT": str(port), "TZ": "Asia/Tokyo"}) as stack:
        stack.start_worker()
        config = Settings(redis_url=SecretStr(stack.broker.url), flower_port=free_port())
        command, secrets = flower_command(config)
        secrets["FLOWER_UNAUTHENTICATED_API"] = "true"
        with BackgroundProcess(command, log=tmp_path / "flower.log", environment=secrets):
            # Flower shows only tasks that run after it has connected.
            eventually(lambda: "worker-" in (fetch_page(f"{flower_address(config)}/workers") or ""))
            submission = stack.submit(folder, "--shard", "1")
            assert submission.finish() == 0, submission.output()
            tasks = eventually(lambda: finished_tasks(config))
        flower_log = (tmp_path / "flower.log").read_text()
        metrics = eventually(lambda: fetch_page(f"http://127.0.0.1:{port}/metrics"))
        ledger = {
            (sample.name, *sample.labels.values()): sample.value
            for metric in LedgerCollector(config).collect()
            for sample in metric.samples
        }
    assert "Traceback" not in flower_log
    assert "out of sync" not in flower_log, "the worker and Flower are in two time zones"
    counts = [literal_eval(task["result"]) for task in tasks]
    assert sum(count.get("verdict", 0) + count.get("refusal", 0) for count in counts) == 31, "one task for some images"
    assert {task["state"] for task in tasks} == {"SUCCESS"}
    # The name of the worker says what it predicts with.
    assert all(re.search(r"^worker-\w+\.openvino\.CPU0\.(float32|mixed)@", task["worker"]) for task in tasks)
    assert all(task["runtime"] > 0 for task in tasks)
    assert "jpg" not in json.dumps(tasks), "no file name may leave the client"
    lines = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    assert lines['melanoma_decisions_total{kind="verdict"}'] == "30.0"
    assert lines['melanoma_refusals_total{reason="not_a_picture"}'] == "1.0"
    scored = sum(float(value) for name, value in lines.items() if name.startswith("melanoma_scores_total{"))
    measured = [row for row in submission.rows() if row["kind"] == "verdict" and row["population"] != UNMEASURED]
    assert scored == len(measured) > 0
    assert lines["melanoma_batch_size_sum"] == "30.0"
    assert lines["melanoma_decode_seconds_count"] == "30.0"
    assert float(lines["melanoma_predict_seconds_count"]) > 0
    for name in ("queue_wait", "pipeline_wait", "end_to_end"):
        assert float(lines[f'melanoma_{name}_seconds_count{{queue="bulk"}}']) >= 30
    assert lines['melanoma_in_flight{queue="bulk"}'] == "0.0"
    assert ledger["melanoma_ledger_ready_jobs", "bulk"] == 0
    assert ledger["melanoma_ledger_processes", "worker"] == 1


def finished_tasks(config: Settings) -> list[dict[str, Any]] | None:
    tasks_by_id = json.loads(fetch_page(f"{flower_address(config)}/api/tasks") or "{}")
    tasks = list(tasks_by_id.values())
    return tasks if tasks and all(task["state"] in ("SUCCESS", "FAILURE") for task in tasks) else None
