"""Coalescing: concurrent calls of one kind share one round trip to Redis."""
