"""An update is written to the ledger before it counts as done, however long that takes.

aiogram confirms an update to Telegram even when its handler raised.
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

_PAUSE_S: Final = 1.0

#: An update that fails so often fails because of us: going on with the next is better than standing still.
_TRIES: Final = 3


async def retry_until_stored(
    handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
) -> Any:
    """Middleware: repeat the handler until the ledger has room; a Redis that is away is waited for below."""
    tries = 0
    said = False
    while True:
        try:
            result = await handler(event, data)
        except (OutOfMemoryError, RedisAccessDenied) as error:
            if not said:
                log.error("updates wait for the ledger", error=str(error))  # noqa: TRY400 - one sentence
                said = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the next update must come to its turn
            tries += 1
            # Only the kind: an update holds names and texts.
            log.error("an update failed", error=type(error).__name__, tries=tries)  # noqa: TRY400
            if tries == _TRIES:
                return None
        else:
            METRICS.updates.inc()
            return result
        await asyncio.sleep(_PAUSE_S)
