"""Errors of the Bot API as a sender tells them apart."""

import asyncio
from typing import Any

import pytest
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import GetMe

from bot.telegram.api_calls import ChatUnavailable, OutcomeUnknown, RateLimited, Rejected, SendError, call_api


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TelegramRetryAfter(GetMe(), "slow down", 3), RateLimited),
        (TelegramForbiddenError(GetMe(), "bot was blocked by the user"), ChatUnavailable),
        (TelegramBadRequest(GetMe(), "Bad Request: chat not found"), ChatUnavailable),
        (TelegramBadRequest(GetMe(), "Bad Request: message can't be edited"), Rejected),
        (TelegramEntityTooLarge(GetMe(), "too large"), Rejected),
        (TelegramAPIError(GetMe(), "?"), Rejected),
        (TelegramServerError(GetMe(), "Bad Gateway"), OutcomeUnknown),
        (TelegramNetworkError(GetMe(), "reset"), OutcomeUnknown),
        (TimeoutError(), OutcomeUnknown),
    ],
)
def test_call_api_sorts_errors(error: Exception, expected: type[SendError]) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(expected):
        asyncio.run(call_api(fail))


def test_call_api_takes_an_edit_without_a_change_as_done() -> None:
    async def edit() -> Any:
        raise TelegramBadRequest(GetMe(), "Bad Request: message is not modified: specified new message content")

    assert asyncio.run(call_api(edit)) is None
