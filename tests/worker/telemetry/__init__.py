"""Tests of `worker.telemetry`."""
