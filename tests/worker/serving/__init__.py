"""Tests of `worker.serving`."""
