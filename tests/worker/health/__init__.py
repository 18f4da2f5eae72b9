"""Tests of `worker.health`."""
