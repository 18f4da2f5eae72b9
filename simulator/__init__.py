"""A simulator of Telegram on localhost, for tests and trials: the Bot API for a bot, a chat page for its users."""
