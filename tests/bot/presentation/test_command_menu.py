"""Command menus and the bot's profile are as Telegram takes them."""

import re

import pytest

from bot.locales import list_languages, translate
from bot.presentation.command_menu import list_commands


@pytest.mark.parametrize("language", list_languages())
def test_commands_and_profile_are_as_short_as_telegram_allows(language: str) -> None:
    for command in [*list_commands(language), *list_commands(language, is_group=True)]:
        assert re.fullmatch(r"[a-z_]{1,32}", command.command)
        assert 1 <= len(command.description) <= 256
    assert len(translate(language, "description")) <= 512
    assert len(translate(language, "short-description")) <= 120
