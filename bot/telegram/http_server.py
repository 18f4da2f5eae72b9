"""What the bot answers over HTTP: health, metrics and, in webhook mode, Telegram's updates."""

import hmac
from collections.abc import Callable
from typing import Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.types import Update
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError

log = structlog.get_logger(__name__)

#: Where Telegram brings updates, below the public address.
WEBHOOK_PATH: Final = "/telegram"

_SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header


def application(ready: Callable[[], bool]) -> web.Application:
    """Health and metrics. `ready` says whether work makes progress."""
    app = web.Application()

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="live\n")

    async def is_ready(_: web.Request) -> web.Response:
        return web.Response(text="ready\n") if ready() else web.Response(text="no progress\n", status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_routes([web.get("/live", live), web.get("/ready", is_ready), web.get("/metrics", metrics)])
    return app


def add_webhook(app: web.Application, bot: Bot, dispatcher: Dispatcher, secret: str) -> None:
    """Take updates that show `secret`. Each is acknowledged once its handler has written it to the ledger.

    aiogram's own handler acknowledges an update that took longer than 55 seconds before it is written.
    """

    async def update(request: web.Request) -> web.Response:
        shown = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(), secret.encode()):
            return web.Response(status=401)
        try:
            received = Update.model_validate_json(await request.read(), context={"bot": bot})
        except ValidationError:
            # Repeating it would not make it readable.
            log.warning("an update cannot be read, passing over it")
            return web.Response()
        try:
            await dispatcher.feed_update(bot, received)
        except Exception as error:  # noqa: BLE001 - whatever it is, Telegram brings the update again
            log.error("an update failed, Telegram will repeat it", error=type(error).__name__)  # noqa: TRY400
            return web.Response(status=503)
        return web.Response()

    app.add_routes([web.post(WEBHOOK_PATH, update)])
