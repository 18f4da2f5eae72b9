"""Tests of `bulk.report`."""
