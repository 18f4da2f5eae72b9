"""Tests of `bulk.results`."""
