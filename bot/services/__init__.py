"""Use cases of the handlers: they write to the ledger and do nothing else."""
