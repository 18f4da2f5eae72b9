"""Renders images for the demo, the tests and the benchmarks. No photograph of a real person is in them."""
