"""Reads the bot's token from the settings and derives secrets from it."""

import hashlib

from aiogram.utils.token import TokenValidationError, validate_token

from shared.config.settings import Settings, SettingsError


def read_bot_token(settings: Settings) -> str:
    """Return the token of `settings`. Raises `SettingsError` if there is none, or if it cannot be a token."""
    if settings.bot_token is None:
        raise SettingsError(
            "there is no BOT_TOKEN. Ask @BotFather in Telegram for a bot (/newbot) and put its token into .env as"
            " BOT_TOKEN=...; to try the bot without Telegram, run `make up`."
        )
    value = settings.bot_token.get_secret_value()
    try:
        validate_token(value)
    except TokenValidationError:
        raise SettingsError(
            "BOT_TOKEN is not the token of a Telegram bot: a token looks like 123456789:AA... Copy it again from"
            " @BotFather."
        ) from None
    return value


def derive_secret(token: str, purpose: str) -> str:
    """Return a secret for `purpose`, the same in all replicas with this token: 64 hex digits of a keyed BLAKE2b."""
    return hashlib.blake2b(purpose.encode(), key=token.encode()[:64], digest_size=32).hexdigest()
