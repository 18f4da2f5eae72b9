"""The ledger: the job store in Redis, one hash a job. Every transition is one atomic script."""
