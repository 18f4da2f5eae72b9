"""Tests of `bot.storage.messages`."""
