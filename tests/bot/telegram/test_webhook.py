"""The webhook's route, over real connections that end where they should not."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from aiogram import Bot, Dispatcher
from structlog.testing import capture_logs

from bot.telegram.health import create_health_app, serve_http
from bot.telegram.webhook import add_webhook
from local.embedded_valkey import free_port

TOKEN = f"123456789:{'A-b_' * 9}"
SECRET = "shown-by-Telegram"  # pragma: allowlist secret
#: Too large for one packet. The bot passes over an update of no kind, and says so.
BODY = b"{}" + b" " * 200_000
PASSED_OVER = "an update cannot be read, passing it over"


def request(body: bytes = BODY, *, secret: str = SECRET, framing: str = "Content-Length: {}") -> bytes:
    head = (
        f"POST /telegram HTTP/1.1\r\nHost: bot\r\n{framing.format(len(BODY))}\r\n"
        f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\n\r\n"
    )
    return head.encode() + body


CHUNKED = "Transfer-Encoding: chunked"
HANG_UPS: dict[str, Callable[[], bytes]] = {
    "before the body": lambda: request(b""),
    "in the body": lambda: request(BODY[:1000]),
    "in a chunk": lambda: request(b"1000\r\n" + BODY[:1000], framing=CHUNKED),
    "in a body of a stranger": lambda: request(BODY[:1000], secret="another"),
    "before the answer": request,
}


async def send_and_hang_up(data: bytes) -> bytes:
    """Send `data` to a bot, hang up at once, and return what a complete request is answered afterwards."""
    port, app = free_port(), create_health_app(lambda: True)
    async with Bot(TOKEN) as bot:
        add_webhook(app, bot, Dispatcher(), SECRET)
        async with serve_http(app, "127.0.0.1", port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request())
            answer = await reader.readline()
            writer.close()
            return answer


@pytest.mark.parametrize("where", HANG_UPS)
def test_sender_that_hangs_up_gets_no_traceback(where: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with capture_logs() as logs:
        answer = asyncio.run(send_and_hang_up(HANG_UPS[where]()))
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert caplog.records == []
    assert [entry for entry in logs if "exc_info" in entry] == []
    lines = [entry["event"] for entry in logs if entry["event"] != PASSED_OVER]
    is_incomplete = where not in ("before the answer", "in a body of a stranger")
    assert lines == ["a request ended before its update was complete"] * is_incomplete


def test_request_that_is_no_http_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    answer = asyncio.run(send_and_hang_up(request(b"nonsense\r\n", framing=CHUNKED)))
    assert answer.startswith(b"HTTP/1.1 200"), answer
    (record,) = caplog.records
    assert record.exc_info is None
    assert record.getMessage() == "a request is no valid HTTP (BadHttpMessage)"
