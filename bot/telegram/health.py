"""HTTP server of the bot: health checks and metrics. Webhook mode adds a route to it."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

#: Time that updates in flight get to finish when the server stops. Seconds.
_STOP_TIMEOUT_S: Final = 3.0


def create_health_app(is_ready: Callable[[], bool]) -> web.Application:
    """Return the application with `/live`, `/ready` and `/metrics`."""
    app = web.Application()

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="live\n")

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ready\n") if is_ready() else web.Response(text="no progress\n", status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_routes([web.get("/live", live), web.get("/ready", ready), web.get("/metrics", metrics)])
    return app


@asynccontextmanager
async def serve_http(app: web.Application, host: str, port: int) -> AsyncIterator[None]:
    """Serve `app` inside the context."""
    server_logger.addFilter(_shorten_error)  # A second time this does nothing.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_TIMEOUT_S)
    await runner.setup()
    try:
        # Replicas on one machine share the port; behind a proxy each has a port of its own.
        await web.TCPSite(runner, host, port, reuse_port=True).start()
        yield
    finally:
        await runner.cleanup()


def _shorten_error(record: logging.LogRecord) -> bool:
    """Log a request that is not valid HTTP in one line. aiohttp adds a traceback, though the fault is the sender's."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info, record.msg, record.args = None, "a request is no valid HTTP (%s)", (type(error).__name__,)
    return True
