"""Tests of `bulk.inputs`."""
