"""`melanoma-ops` on a real ledger: its output and its errors."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from ops import cli
from shared.config.settings import settings
from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason
from shared.contract.names import Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import TaskMessage
from tests.ops.harness import create_dead_letters, create_jobs, run_ops

ROOT: Final = Path(__file__).parents[2]


def run_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    """Run the command as a shell does; returns its exit code and stderr."""
    monkeypatch.setattr("sys.argv", ["melanoma-ops", *arguments])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    return raised.value.code, capsys.readouterr().err


def test_status_has_the_same_facts_as_text_and_json(ledger: Ledger) -> None:
    create_jobs(ledger, "a", "b")
    create_dead_letters(ledger, "c")
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    serving = {"artefact": "one@1", "device": "CPU:0", "cpu_throttled": 0.834}
    ledger.run(admin.report_status("worker-1", json.dumps(serving)))
    run_ops("pause", "interactive")
    text = run_ops("status").output
    status = json.loads(run_ops("status", "--json").output)
    assert status["queues"]["interactive"]["ready"] == 2
    assert "interactive: 2 wait" in text
    assert status["queues"]["interactive"]["paused_s"] >= 0
    assert "paused for" in text
    assert status["dead"] == 1
    assert "dead      1" in text
    assert [(process["role"], process["held"]) for process in status["processes"]] == [("worker", 0)]
    assert "worker-1" in text
    assert status["processes"][0]["cpu_throttled"] == 0.834
    assert "held back by its CPU limit in 83%" in " ".join(text.split())
    serving["cpu_throttled"] = 0.5
    ledger.run(admin.report_status("worker-1", json.dumps(serving)))
    assert "held back" not in run_ops("status").output


def test_status_without_processes_says_that_none_is_alive(client: Any) -> None:
    assert "none is alive, so no photograph is answered" in run_ops("status").output


def test_dead_letters_are_listed_and_replayed(ledger: Ledger, client: Any) -> None:
    create_dead_letters(ledger, "a", "b")
    assert "predict_failed: ResourceExhaustedError" in run_ops("dead", "list").output
    client.set("melanoma:image:bytes:a", b"an image")
    assert "1 of 1 are tried again" in run_ops("dead", "replay", "a").output
    assert client.llen(str(Queue.INTERACTIVE)) == 1, "its message is published at once"
    assert "1 of 1 are tried again" in run_ops("dead", "replay", "--all", "--yes").output
    history = ledger.run(admin.get_history("b"))
    assert history is not None
    assert history.stage == "received", "its owner has to store the image again"
    assert "No dead letters" in run_ops("dead", "list").output


@pytest.mark.parametrize(
    ("command", "text"),
    [("dead replay", "0 of 0 are tried again"), ("dead drop", "0 deleted"), ("runs drop", "0 jobs of 0 folder runs")],
)
def test_nothing_is_asked_where_there_is_nothing_to_do(client: Any, command: str, text: str) -> None:
    result = run_ops(*command.split(), "--all")
    assert (result.exit_code, text in result.output) == (0, True), result.output


def test_decision_of_another_release_is_shown_as_such(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", Failure(reason=FailureReason.PREDICT_FAILED))]))
    client.hset("melanoma:job:a", "decision", '{"kind": "verdict", "words": "of tomorrow"}')
    assert "decided by another release" in " ".join(run_ops("dead", "list").output.split())
    assert "A decision by another release" in run_ops("trace", "a").output


def test_all_dead_letters_are_dropped_only_after_confirmation(ledger: Ledger) -> None:
    create_dead_letters(ledger, "a", "b")
    assert run_ops("dead", "drop", "--all", stdin="n\n").exit_code == 1
    assert ledger.run(admin.get_overview()).dead_letters == 2
    assert "2 deleted" in run_ops("dead", "drop", "--all", stdin="y\n").output
    assert ledger.run(admin.get_overview()).dead_letters == 0


def test_dead_letter_of_an_ended_folder_run_is_not_replayed(ledger: Ledger) -> None:
    create_dead_letters(ledger, "a", outbox="bulk:run")
    result = run_ops("dead", "replay", "a")
    output = result.output
    assert result.exit_code == 1
    assert run_ops("dead", "replay", "--all", "--yes").exit_code == 1
    assert "submit the file again" in output
    assert "0 of 1" in output


def test_trace_shows_the_history_of_a_job(ledger: Ledger) -> None:
    create_jobs(ledger, "a")
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    ledger.run(transitions.claim([TaskMessage("t", Queue.BULK, ["a"])], incarnation="worker-1"))
    ledger.run(transitions.decide([("a", Refusal(reason=RefusalReason.DAMAGED))]))
    output = run_ops("trace", "a").output
    assert output.index("ready for a worker") < output.index("claimed by worker-1") < output.index("decided")
    assert "A refusal: damaged." in output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["trace", "unknown"], 1, "knows no job unknown"),
        (["dead", "replay", "unknown"], 1, "is no dead letter"),
        (["runs", "drop", "unknown"], 1, "`melanoma-ops runs list` shows all"),
        (["runs", "drop"], 2, "name the runs"),
        (["dead", "drop"], 2, "name the jobs, or --all"),
        (["pause", "nowhere"], 2, "nowhere"),
        (["drain", "worker-9"], 1, "no live worker is named worker-9. Live workers: none"),
        (["switch", "no/such/artefact"], 1, "no artefact in no/such/artefact"),
        (["switch", "--back"], 1, "there is no previous artefact"),
        (["switch"], 2, "name an ARTEFACT, or --back"),
    ],
)
def test_error_is_one_sentence_with_an_exit_code(
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    exit_code, error = run_main(monkeypatch, capsys, *arguments)
    assert (exit_code, "Traceback" in error) == (code, False)
    assert message in error


@pytest.mark.parametrize(
    ("setting", "url", "code", "message"),
    [
        ("REDIS_URL", "redis://127.0.0.1:1/0", 1, "does not answer"),
        ("REDIS_URL", "sentinel://127.0.0.1:1/melanoma", 1, "does not answer (no Sentinel names a master"),
        ("REDIS_URL", "nonsense", 2, "setting REDIS_URL is not the address of a Redis"),
        ("REDIS_URL", "rediss://127.0.0.1:1?ssl_ca_certs=/no/ca.crt", 2, "ssl_ca_certs=/no/ca.crt cannot be read"),
        ("MELANOMA_IMAGE_STORE_URL", "redis://127.0.0.1:1/0", 1, "is MELANOMA_IMAGE_STORE_URL its address?"),
        ("MELANOMA_IMAGE_STORE_URL", "redis://:wrong@{address}", 1, "password: check MELANOMA_IMAGE_STORE_URL"),
    ],
)
def test_unusable_redis_is_reported_at_once_with_its_setting(
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    url: str,
    code: int,
    message: str,
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv(setting, url.format(address=redis_url.removeprefix("redis://")))
    settings.cache_clear()
    exit_code, error = run_main(monkeypatch, capsys, "status")
    assert exit_code == code
    assert len(error) < 300
    assert message in error
    assert "Traceback" not in error
    settings.cache_clear()


def test_drop_says_that_a_failure_is_still_delivered(ledger: Ledger) -> None:
    create_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", Failure(reason=FailureReason.PREDICT_FAILED))]))
    output = run_ops("dead", "drop", "a").output
    assert "0 deleted." in output
    assert "1 not listed any more; their owners are still told" in output


def test_drop_deletes_the_image_of_an_undeliverable_answer(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", Refusal(reason=RefusalReason.DAMAGED))]))
    ledger.run(transitions.lease(Stage.DECIDED, outbox="telegram", limit=1, incarnation="bot-1"))
    ledger.run(transitions.dead_letter(["a"], incarnation="bot-1", reason="refused"))
    client.set("melanoma:image:bytes:a", b"an image")
    assert run_ops("dead", "drop", "a").output == "1 deleted.\n"
    assert client.keys("melanoma:job:*") == client.keys("melanoma:image:bytes:*") == []


def test_first_switch_names_what_back_returns_to_only_if_there_is_such(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    served, other = "models/lite0", tmp_path / "other"
    other.symlink_to(ROOT / served)
    assert run_ops("switch", served).output.endswith(f"All workers serve {served}.\n")
    output = run_ops("switch", str(other)).output.replace("\n", "")
    assert output.endswith(f"`melanoma-ops switch --back` returns to {served} at once.")
