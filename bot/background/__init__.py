"""Background tasks of the bot: each takes jobs of one stage from the ledger and moves them on."""
