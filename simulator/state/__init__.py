"""The state of the simulated Telegram: bots, chats, files, updates, rate limits, faults."""
