"""Tests of `worker.consumer`."""
