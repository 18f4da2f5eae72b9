"""Reads updates of Telegram one by one, so that one that this release cannot read does not stop the others."""

from typing import Any

import structlog
from aiogram import Bot
from aiogram.methods.base import TelegramMethod
from aiogram.types import Update
from pydantic import ValidationError

from bot.metrics import METRICS

log = structlog.get_logger(__name__)


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """`getUpdates` as JSON. aiogram's own fails as a whole if one of the updates cannot be read."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None


def parse_update(content: object, bot: Bot) -> Update | None:
    """Return the update; None if it cannot be read. That is counted, and logged without its content."""
    try:
        if isinstance(content, str | bytes):
            return Update.model_validate_json(content, context={"bot": bot})
        return Update.model_validate(content, context={"bot": bot})
    except ValidationError as error:
        METRICS.unreadable_updates.inc()
        # Where it could not be read, but not what: an update holds names and texts.
        fields = {".".join(map(str, item["loc"][:3])) for item in error.errors(include_input=False, include_url=False)}
        log.warning("an update cannot be read, passing it over", fields=sorted(fields)[:3])
        return None
