"""Telegram's Bot API: session, updates, rate limits, calls and their errors."""
