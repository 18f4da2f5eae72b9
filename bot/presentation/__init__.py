"""Composes what the bot says: answers, keyboards, the command menu and the evidence image, as Telegram takes them."""
