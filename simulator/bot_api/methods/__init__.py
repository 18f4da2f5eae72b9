"""The methods of the Bot API, each as strict as Telegram where a bot could go wrong."""
