"""Helpers of the benchmarks: a testbed of real processes, a baseline, simulated users, process statistics."""
