"""Telegram on localhost: the Bot API that a bot talks to, and a chat page for people. A stand-in for tests."""
