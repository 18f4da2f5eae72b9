"""Tests of `bulk.submission`."""
