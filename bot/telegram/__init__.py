"""Telegram's Bot API: session, updates, rate limits and calls."""
