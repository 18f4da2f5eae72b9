"""`melanoma-ops` on a real ledger: what an operator sees, and what errors say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr
from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from ops import cli, exporter
from ops.doctor.check_result import Level
from ops.doctor.checks import run_checks
from ops.errors import OpsError
from shared.config.settings import Settings, settings
from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason
from shared.contract.names import CONTRACT_VERSION, LEDGER_VERSION, Queue
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob
from shared.redis_client.retry import RedisRetry

FAILED = Failure(reason=FailureReason.PREDICT_FAILED, detail="ResourceExhaustedError")


@pytest.fixture
def client(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("REDIS_URL", redis_url)
    settings.cache_clear()
    with Redis.from_url(redis_url) as client:
        yield client
    settings.cache_clear()


@pytest.fixture
def ledger(client: Any) -> Ledger:
    return Ledger(client, RedisRetry("test"))


def open_jobs(ledger: Ledger, *ids: str, outbox: str = "telegram") -> None:
    jobs = [NewJob(id_) for id_ in ids]
    ledger.run(
        transitions.create_jobs(jobs, queue=Queue.INTERACTIVE, outbox=outbox, language="en", deadline_s=60, stored=True)
    )


def kill(ledger: Ledger, *ids: str, outbox: str = "telegram") -> None:
    """Dead letters whose owner was told."""
    open_jobs(ledger, *ids, outbox=outbox)
    ledger.run(transitions.decide([(id_, FAILED) for id_ in ids]))
    ledger.run(transitions.complete(ids, retention_s=0))


def ops(*arguments: str, says: str = "") -> Result:
    result = CliRunner().invoke(cli.cli, arguments, input=says)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    """The command as a shell runs it: exit code and stderr."""
    monkeypatch.setattr("sys.argv", ["melanoma-ops", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


def test_status_says_the_same_to_people_and_to_programs(ledger: Ledger) -> None:
    open_jobs(ledger, "a", "b")
    kill(ledger, "c")
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    ops("pause", "interactive")
    said = ops("status").output
    told = json.loads(ops("status", "--json").output)
    assert told["queues"]["interactive"]["ready"] == 2
    assert "interactive: 2 wait" in said
    assert told["queues"]["interactive"]["paused_s"] >= 0
    assert "paused for" in said
    assert told["dead"] == 1
    assert "dead      1" in said
    assert [(one["role"], one["held"]) for one in told["processes"]] == [("worker", 0)]
    assert "worker-1" in said


def test_status_of_an_empty_service_says_that_nobody_answers(client: Any) -> None:
    assert "none: nobody answers" in ops("status").output


def test_dead_letters_are_listed_replayed_and_dropped(ledger: Ledger, client: Any) -> None:
    kill(ledger, "a", "b")
    said = ops("dead", "list").output
    assert "predict_failed: ResourceExhaustedError" in said
    client.set("melanoma:image:bytes:a", b"a picture")
    assert "1 of 1 are tried again" in ops("dead", "replay", "a").output
    assert client.llen(str(Queue.INTERACTIVE)) == 1, "it is rung for at once"
    assert "1 of 1 are tried again" in ops("dead", "replay", "--all", "--yes").output
    life = ledger.run(admin.get_history("b"))
    assert life is not None
    assert life.stage == "received", "its owner brings the picture again"
    assert "No dead letters" in ops("dead", "list").output


def test_a_decision_by_another_release_is_shown_as_such(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", Failure(reason=FailureReason.PREDICT_FAILED))]))
    client.hset("melanoma:job:a", "decision", '{"kind": "verdict", "words": "of tomorrow"}')
    assert "decided by another release" in " ".join(ops("dead", "list").output.split())
    assert "A decision by another release" in ops("trace", "a").output


def test_all_dead_letters_are_only_touched_after_a_yes(ledger: Ledger) -> None:
    kill(ledger, "a", "b")
    assert ops("dead", "drop", "--all", says="n\n").exit_code == 1
    assert ledger.run(admin.get_overview()).dead_letters == 2
    assert "2 forgotten" in ops("dead", "drop", "--all", says="y\n").output
    assert ledger.run(admin.get_overview()).dead_letters == 0


def test_a_failure_that_a_folder_run_has_already_is_not_replayed(ledger: Ledger) -> None:
    kill(ledger, "a", outbox="bulk:run")
    said = ops("dead", "replay", "a").output
    assert "submit the file again" in said
    assert "0 of 1" in said


def test_trace_tells_a_life(ledger: Ledger) -> None:
    open_jobs(ledger, "a")
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    ledger.run(transitions.claim([("t", "a")], incarnation="worker-1"))
    ledger.run(transitions.decide([("a", Refusal(reason=RefusalReason.DAMAGED))]))
    said = ops("trace", "a").output
    assert said.index("ready, and rung for") < said.index("claimed by worker-1") < said.index("decided")
    assert "A refusal: damaged." in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["trace", "unknown"], 1, "knows no job unknown"),
        (["dead", "replay", "unknown"], 1, "is no dead letter"),
        (["dead", "drop"], 2, "name the jobs, or --all"),
        (["pause", "nowhere"], 2, "nowhere"),
        (["drain", "worker-9"], 1, "no worker that lives now. Those that live: none"),
        (["switch", "no/such/artefact"], 1, "no artefact in no/such/artefact"),
        (["switch", "--back"], 1, "no way back"),
        (["switch"], 2, "name an ARTEFACT, or --back"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    ended, error = main(monkeypatch, capsys, *arguments)
    assert (ended, "Traceback" in error) == (code, False)
    assert said in error


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://127.0.0.1:1/0", "does not answer"),
        ("nonsense", "is not the address of a Redis"),
    ],
)
def test_a_redis_that_is_not_there_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, said: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    settings.cache_clear()
    ended, error = main(monkeypatch, capsys, "status")
    assert ended == 1
    assert said in error
    assert "Traceback" not in error
    settings.cache_clear()


def test_the_exporter_knows_every_number_of_the_status(ledger: Ledger) -> None:
    open_jobs(ledger, "a")
    kill(ledger, "b")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in exporter.LedgerCollector(settings()).collect()
        for sample in metric.samples
    }
    assert found["melanoma_ledger_up",] == 1
    assert found["melanoma_ledger_ready_jobs", "interactive"] == 1
    assert found["melanoma_ledger_dead_letters",] == 1
    assert found["melanoma_ledger_processes", "worker"] == 0, "no worker is a number, too"
    assert found["melanoma_ledger_jobs", "ready"] == 1


def test_the_exporter_outlives_its_redis() -> None:
    away = Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    samples = [one for metric in exporter.LedgerCollector(away).collect() for one in metric.samples]
    assert [(one.name, one.value) for one in samples] == [("melanoma_ledger_up", 0)]


def levels(config: Settings) -> dict[str, Level]:
    """What the doctor finds, by its words."""
    return {f"{one.subject}: {one.message} {one.remedy}": one.level for one in run_checks(config)}


def found(config: Settings, words: str) -> Level:
    seen = levels(config)
    matching = [level for text, level in seen.items() if words in text]
    assert matching, f"{words!r} is not in {list(seen)}"
    return max(matching, key=list(Level).index)


def test_the_doctor_finds_what_would_lose_photographs(redis_url: str, client: Any) -> None:
    config = Settings(redis_url=SecretStr(redis_url))
    assert found(config, "Set appendonly yes") is Level.PROBLEM
    assert found(config, "none lives") is Level.PROBLEM
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert found(config, "noeviction") is Level.PROBLEM
    finally:
        client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 100)
    try:
        assert found(config, "of its memory is used") is Level.PROBLEM
    finally:
        client.config_set("maxmemory", 0)
    ops("pause", "bulk")
    assert found(config, "melanoma-ops resume bulk") is Level.WARNING


def test_the_doctor_is_content_with_a_service_that_is_well(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey", persistent=True, max_memory_bytes=2**27, password="right") as broker:
        config = Settings(redis_url=SecretStr(broker.url))
        with Redis.from_url(broker.url) as client:
            ledger = Ledger(client, RedisRetry("test"))
            ledger.run(transitions.heartbeat("worker-1", lease_s=30))
            serving = {"artefact": "one@1", "device": "CPU:0", "contract": CONTRACT_VERSION}
            ledger.run(admin.report_status("worker-1", json.dumps(serving)))
        seen = levels(config)
        assert Level.PROBLEM not in seen.values(), seen
        assert found(config, "1 on CPU:0, serving one@1") is Level.OK
        refused = Settings(redis_url=SecretStr(broker.url.replace("right", "mistaken")))
        assert found(refused, "refuses the user or password") is Level.PROBLEM
        assert "mistaken" not in str(levels(refused))


def test_doctor_and_exporter_name_a_ledger_of_another_version(client: Any) -> None:
    client.set("melanoma:version", LEDGER_VERSION + 1)
    assert found(settings(), f"has version {LEDGER_VERSION + 1}") is Level.PROBLEM
    (up,) = exporter.LedgerCollector(settings()).collect()
    assert [(sample.name, sample.value) for sample in up.samples] == [("melanoma_ledger_up", 0)]


def test_the_doctor_looks_at_the_artefact_and_the_token(tmp_path: Path, redis_url: str) -> None:
    config = Settings(
        redis_url=SecretStr(redis_url),
        artefact=tmp_path,
        bot_token=SecretStr("123:secret"),
        telegram_api_url="http://127.0.0.1:1",
        image_ttl_s=60,
    )
    assert found(config, "MELANOMA_ARTEFACT") is Level.PROBLEM
    assert found(config, "cannot be reached") is Level.PROBLEM
    assert found(config, "MELANOMA_IMAGE_TTL_S") is Level.PROBLEM
    assert "secret" not in str(levels(config))


def test_the_doctor_ends_with_its_judgement(client: Any) -> None:
    result = ops("doctor")
    assert result.exit_code == 1
    assert "wrong  workers: none lives" in result.output


def test_limits_are_changed_shown_and_reset(ledger: Ledger) -> None:
    assert "until" in ops("limits", "set", "max_expected_wait_s", "120").stdout
    assert ledger.run(admin.sync_overrides()) == {"max_expected_wait_s": "120.0"}
    shown = ops("limits").stdout
    assert "120.0" in shown
    assert "telegram_per_s" in shown
    assert "max_expected_wait_s" in ops("limits", "reset").stdout
    assert ledger.run(admin.sync_overrides()) == {}
    assert "Nothing" in ops("limits", "reset").stdout


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("bot_token", "1", "there is no limit bot_token"),
        ("user_burst", "0", "user_burst cannot be 0"),
        ("telegram_per_s", "fast", "telegram_per_s cannot be fast"),
    ],
)
def test_a_limit_that_cannot_be_is_said_and_changes_nothing(ledger: Ledger, name: str, value: str, says: str) -> None:
    with pytest.raises(OpsError, match=says):
        ops("limits", "set", name, value)
    assert ledger.run(admin.sync_overrides()) == {}
