"""What the benchmarks share: a testbed of real processes, a baseline, simulated users, process statistics."""
