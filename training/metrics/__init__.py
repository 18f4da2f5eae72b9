"""Metrics with bootstrap intervals, computed from scores and outcomes."""
