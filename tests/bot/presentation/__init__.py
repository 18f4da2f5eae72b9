"""Tests of `bot.presentation`."""
