"""Speed and faults of the chat: users who send photographs to the bot."""
