"""Tests of `shared.coalescing`."""
