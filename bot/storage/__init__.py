"""The bot's own records in Redis, beside the ledger."""
