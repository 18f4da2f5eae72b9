"""Tests of `shared.contract`."""
