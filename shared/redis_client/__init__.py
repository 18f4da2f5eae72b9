"""Redis clients: creation, retries while Redis is unavailable, pipelining, Sentinel."""
