"""Fixtures of the bot's tests. Imports the bot before a test imports aiogram, so that its types are built when used."""

import bot  # noqa: F401
