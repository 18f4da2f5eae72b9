"""Calls of the Bot API. Their errors are sorted into the four kinds that a sender must tell apart."""

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, TypeVar

from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiohttp import ClientError

T = TypeVar("T")


class SendError(Exception):
    """Base of the errors of a call. No message names a chat or a token.

    `kind` is the value of the metric label: it stays when a class is renamed.
    """

    kind: ClassVar[str]


class RateLimited(SendError):
    """Raised when Telegram asks to wait `retry_after_s` seconds."""

    kind = "too_fast"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class ChatUnavailable(SendError):
    """Raised when the user blocked the bot or left, or when the chat does not exist any more."""

    kind = "unwanted"


class Rejected(SendError):
    """Raised when Telegram refuses a call for good. The message is Telegram's."""

    kind = "rejected"


class OutcomeUnknown(SendError):
    """Raised when a call may or may not have taken effect: the connection broke, or Telegram failed."""

    kind = "uncertain"


_CHAT_UNAVAILABLE: Final = ("chat not found", "user is deactivated", "bot was kicked", "peer_id_invalid")


async def call_api(action: Callable[[], Awaitable[T]]) -> T | None:
    """Await `action()`. Raises a `SendError`.

    Returns:
        The result; None where Telegram says that an edit would not change the message.
    """
    try:
        return await action()
    except TelegramRetryAfter as error:
        raise RateLimited(error.retry_after) from None
    except TelegramForbiddenError:
        raise ChatUnavailable from None
    except TelegramEntityTooLarge:
        raise Rejected("too large") from None
    except (TelegramNetworkError, TelegramServerError, ClientDecodeError, ClientError, TimeoutError) as error:
        # The text of some of these errors holds the address that was called, which holds the token.
        raise OutcomeUnknown(type(error).__name__) from None
    except TelegramBadRequest as error:
        description = error.message.lower()
        if "message is not modified" in description:
            return None
        if any(text in description for text in _CHAT_UNAVAILABLE):
            raise ChatUnavailable from None
        raise Rejected(error.message) from None
    except TelegramAPIError as error:
        raise Rejected(type(error).__name__) from None
