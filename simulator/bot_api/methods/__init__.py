"""The methods of the Bot API. Each is as strict as Telegram wherever a bot could make a mistake."""
