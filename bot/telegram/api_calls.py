"""Calls of the Bot API, with what can go wrong in the four ways that a sender must tell apart."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

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
    """Base of what a call of the Bot API can end in. No message names a chat or a token."""


class RateLimited(SendError):
    """Raised when Telegram asks to wait `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"retry after {seconds} s")
        self.retry_after_s = seconds


class ChatUnavailable(SendError):
    """Raised when the person blocked the bot, left, or the chat is gone."""


class Rejected(SendError):
    """Raised when Telegram will not do it, now or later; the message is Telegram's."""


class OutcomeUnknown(SendError):
    """Raised when nobody knows whether it was done: the connection broke, or Telegram failed."""


_GONE = ("chat not found", "user is deactivated", "bot was kicked", "peer_id_invalid")


async def call_api(action: Callable[[], Awaitable[T]]) -> T | None:
    """Await `action()`; None where Telegram says that it is as wanted already. Raises a `SendError`."""
    try:
        return await action()
    except TelegramRetryAfter as error:
        raise RateLimited(error.retry_after) from None
    except TelegramForbiddenError:
        raise ChatUnavailable from None
    except TelegramEntityTooLarge:
        raise Rejected("too large") from None
    except (TelegramNetworkError, TelegramServerError, ClientDecodeError, ClientError, TimeoutError) as error:
        # The text of some of these holds the address that was called, and that holds the token.
        raise OutcomeUnknown(type(error).__name__) from None
    except TelegramBadRequest as error:
        said = error.message.lower()
        if "message is not modified" in said:
            return None
        if any(gone in said for gone in _GONE):
            raise ChatUnavailable from None
        raise Rejected(error.message) from None
    except TelegramAPIError as error:
        raise Rejected(type(error).__name__) from None
