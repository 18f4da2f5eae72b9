"""Log lines in both formats: one event a line, and no ids, secrets or local variables, tracebacks included."""

import json
import logging
import warnings
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from shared.config.settings import Settings
from shared.log import set_up_logging

Format = Literal["text", "json"]

TOKEN = "123456:secret-token"
FORMATS: list[Format] = ["text", "json"]


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    # Another test may have set it, and pytest has undone that.
    logging.captureWarnings(False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    logging.captureWarnings(False)


def fail_for(chat_id: int) -> None:
    file_id = f"file-of-{chat_id}"
    raise ValueError("no answer of this chat") if file_id else KeyError


def call(token: str) -> None:
    raise ConnectionError(f"https://api.telegram.org/bot{token}/getMe")


def log_failure(chat_id: int) -> None:
    try:
        fail_for(chat_id)
    except ValueError:
        structlog.get_logger("bot").exception("an update failed")
        logging.getLogger("aiogram").exception("a handler failed")


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_traceback_shows_no_local_variables(log_format: Format, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format=log_format))
    log_failure(4242424242)
    output = capsys.readouterr().err
    assert output.count("ValueError: no answer of this chat") == 2
    assert output.count("fail_for") >= 2, "the traceback names the functions"
    assert "4242424242" not in output


@pytest.mark.parametrize("log_format", FORMATS)
def test_secrets_are_redacted_also_in_tracebacks(log_format: Format, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format=log_format), secrets=[TOKEN])
    try:
        call(TOKEN)
    except ConnectionError:
        structlog.get_logger("bot").exception("a call failed", url=f"/bot{TOKEN}")
    output = capsys.readouterr().err
    assert "a call failed" in output
    assert TOKEN not in output


@pytest.mark.parametrize("log_format", FORMATS)
def test_lines_in_a_file_have_no_colours(log_format: Format, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format=log_format))
    structlog.get_logger("worker").warning("Redis is unavailable, retrying", address="host:6379/0")
    log_failure(1)
    assert "\x1b" not in capsys.readouterr().err


def test_each_json_line_is_one_event(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="json"))
    log_failure(1)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in events] == ["an update failed", "a handler failed"]
    assert all("ValueError" in event["exception"] for event in events)


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_mistyped_setting_is_logged(
    log_format: Format, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELANOMA_LESE_S", "5")
    set_up_logging(Settings(log_format=log_format))
    output = capsys.readouterr().err
    assert "MELANOMA_LESE_S" in output
    assert "MELANOMA_LEASE_S" in output


def test_a_warning_of_a_library_is_an_event_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(Settings(log_format="json"))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("the first line\n\n    and the second", FutureWarning, stacklevel=1)
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["level"] == "warning"
    assert "and the second" in event["event"]
