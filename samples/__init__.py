"""Pictures of our own making, for the demonstration, the tests and the benchmarks: nobody's skin is in them."""
