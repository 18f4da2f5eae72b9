"""What the bot says: answers, keyboards and the evidence image, as Telegram takes them."""
