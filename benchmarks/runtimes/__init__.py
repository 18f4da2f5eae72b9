"""Benchmarks of the model runtimes and of what a worker does before it takes work."""
