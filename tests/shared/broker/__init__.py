"""Tests of `shared.broker`."""
