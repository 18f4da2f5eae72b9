"""The state of the simulated Telegram: bots, chats, files, updates, rate limits, faults. All of it is in memory."""
