"""Tests of `worker.batching`."""
