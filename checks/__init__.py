"""Checks that CI runs in addition to style, types and tests."""
