"""Tests of `bot.background`."""
