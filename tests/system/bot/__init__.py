"""The bot on real processes."""
