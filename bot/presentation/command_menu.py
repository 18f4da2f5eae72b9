"""Menu of commands that Telegram shows beside the text field of a chat."""

from typing import Final

from aiogram.types import BotCommand

from bot.locales import translate

#: Commands in the order of the menu, with the name of the text that describes each.
_PRIVATE: Final = {
    "start": "command-start",
    "help": "command-help",
    "language": "command-language",
    "privacy": "command-privacy",
    "cancel": "command-cancel",
    "delete_me": "command-delete",
}
_GROUP: Final = {"check": "command-check"}


def list_commands(language: str, *, is_group: bool = False) -> list[BotCommand]:
    """Return the menu of private chats, or of groups."""
    texts = _GROUP if is_group else _PRIVATE
    return [BotCommand(command=name, description=translate(language, text)) for name, text in texts.items()]
