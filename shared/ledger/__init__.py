"""The ledger: one hash a job in Redis, and every move between stages one atomic script."""
