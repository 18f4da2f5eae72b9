"""Tests of `checks.mutants`."""
