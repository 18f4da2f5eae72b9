"""Repeats a handler until its writes are in the ledger.

aiogram confirms an update to Telegram even if its handler raised, so a failed update would be lost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiogram.types import TelegramObject
from redis.exceptions import OutOfMemoryError

from bot.metrics import METRICS
from shared.redis_client.retry import RedisAccessDenied

log = structlog.get_logger(__name__)

_RETRY_PAUSE_S: Final = 1.0

#: After so many other errors the update is dropped: the error is in our code, and the next updates must be handled.
_MAX_ATTEMPTS: Final = 3


async def retry_until_stored(
    handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
) -> Any:
    """Middleware that repeats the handler while the ledger is full or denies access. In an outage the handler waits."""
    attempts = 0
    is_logged = False
    while True:
        try:
            result = await handler(event, data)
        except (OutOfMemoryError, RedisAccessDenied) as error:
            if not is_logged:
                log.error("the ledger takes no updates, retrying", error=str(error))  # noqa: TRY400 - one sentence
                is_logged = True
        except Exception as error:  # noqa: BLE001 - after any error the next update must be handled
            attempts += 1
            # Only the kind of error: an update holds names and texts.
            log.error("an update failed", error=type(error).__name__, attempts=attempts)  # noqa: TRY400
            if attempts == _MAX_ATTEMPTS:
                return None
        else:
            METRICS.updates.inc()
            return result
        await asyncio.sleep(_RETRY_PAUSE_S)
