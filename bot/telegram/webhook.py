"""Webhook mode: Telegram posts each update to the bot's HTTP server."""

import hmac
import re
from dataclasses import dataclass
from typing import Final

import structlog
from aiogram import Bot, Dispatcher
from aiohttp import web

from bot.telegram.bot_token import derive_secret
from bot.telegram.updates import parse_update
from shared.config.settings import Settings, SettingsError

log = structlog.get_logger(__name__)

#: Path of the webhook below the bot's public address.
_PATH: Final = "/telegram"

#: What Telegram takes as a secret.
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")

_SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header


@dataclass(frozen=True, slots=True)
class Webhook:
    """The public address of the webhook, and the secret that Telegram shows with each update."""

    url: str
    secret: str


def read_webhook(settings: Settings, token: str) -> Webhook | None:
    """Return the webhook of `settings`; None for long polling.

    Raises `SettingsError` if there is no port for it, or if Telegram would refuse the secret.
    """
    if not settings.webhook_url:
        return None
    if not settings.bot_port:
        raise SettingsError("a webhook needs a port to listen on: set MELANOMA_BOT_PORT.")
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else derive_secret(token, "webhook")
    if not _SECRET.fullmatch(secret):
        raise SettingsError(
            "MELANOMA_WEBHOOK_SECRET must have 1 to 256 characters of A-Z, a-z, 0-9, _ and -, because Telegram refuses"
            " any other; without this setting the bot derives a secret from its token."
        )
    return Webhook(url=f"{settings.webhook_url.rstrip('/')}{_PATH}", secret=secret)


def add_webhook(app: web.Application, bot: Bot, dispatcher: Dispatcher, secret: str) -> None:
    """Add the route that takes updates which show `secret`. An update is acknowledged once its handler has finished.

    aiogram's own handler acknowledges an update after 55 seconds, even if it has not been written to the ledger.
    """

    async def handle(request: web.Request) -> web.Response:
        shown = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(), secret.encode()):
            return web.Response(status=401)
        try:
            body = await request.read()
        except (ConnectionError, web.RequestPayloadError) as error:
            log.warning("a request ended before its update was complete", error=type(error).__name__)
            return web.Response(status=400)
        update = parse_update(body, bot)
        if update is None:
            # Telegram would repeat the update, which would not make it readable.
            return web.Response()
        try:
            await dispatcher.feed_update(bot, update)
        except Exception as error:  # noqa: BLE001 - after any error Telegram sends the update again
            log.error("an update failed, Telegram will repeat it", error=type(error).__name__)  # noqa: TRY400
            return web.Response(status=503)
        return web.Response()

    app.add_routes([web.post(_PATH, handle)])
