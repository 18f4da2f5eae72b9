"""Registers the bot with Telegram: how updates are delivered, the command menus, and the descriptions."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiogram import Bot
from aiogram.types import BotCommandScopeAllGroupChats

from bot.locales import list_languages, translate
from bot.presentation.command_menu import list_commands
from bot.telegram.api_calls import Rejected, SendError, call_api
from bot.telegram.webhook import Webhook
from shared.config.settings import SettingsError

log = structlog.get_logger(__name__)

_RETRY_PAUSE_S: Final = 30.0


async def register_bot(
    bot: Bot, webhook: Webhook | None, update_types: Sequence[str], on_accepted: Callable[[], None]
) -> None:
    """Register the bot, and retry until Telegram has accepted everything. Without `webhook` the bot polls for updates.

    `on_accepted` is called once, when Telegram has accepted the token and delivers updates.
    Raises `SettingsError` if Telegram refuses the webhook, `TelegramUnauthorizedError` if it refuses the token.
    """
    is_accepted = False
    while True:
        try:
            if webhook is not None:
                await _set_webhook(bot, webhook, update_types)
            else:
                await call_api(bot.delete_webhook)
            if not is_accepted:
                is_accepted = True
                on_accepted()
            default, *others = list_languages()
            # The profile without a language code is for users whose language has no file.
            await _set_profile(bot, default, None)
            for language in others:
                await _set_profile(bot, language, language)
        except SendError as error:
            log.warning("registering the bot with Telegram failed, trying again", error=str(error))
            await asyncio.sleep(_RETRY_PAUSE_S)
        else:
            return


async def _set_webhook(bot: Bot, webhook: Webhook, update_types: Sequence[str]) -> None:
    try:
        await call_api(
            lambda: bot.set_webhook(webhook.url, secret_token=webhook.secret, allowed_updates=list(update_types))
        )
    except Rejected as error:
        raise SettingsError(f"Telegram refuses the webhook, check MELANOMA_WEBHOOK_URL: {error}.") from None


async def _set_profile(bot: Bot, language: str, code: str | None) -> None:
    private, groups = list_commands(language), list_commands(language, is_group=True)
    await call_api(lambda: bot.set_my_commands(private, language_code=code))
    await call_api(lambda: bot.set_my_commands(groups, scope=BotCommandScopeAllGroupChats(), language_code=code))
    await call_api(lambda: bot.set_my_description(translate(language, "description"), language_code=code))
    await call_api(lambda: bot.set_my_short_description(translate(language, "short-description"), language_code=code))
