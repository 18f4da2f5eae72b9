"""Use cases of the handlers. They write to the ledger and send nothing."""
