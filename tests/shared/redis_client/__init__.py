"""Tests of `shared.redis_client`."""
