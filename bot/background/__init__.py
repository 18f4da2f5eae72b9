"""Background tasks of the bot. Most take jobs of one stage from the ledger and move them on."""
