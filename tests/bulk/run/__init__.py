"""Tests of `bulk.run`."""
