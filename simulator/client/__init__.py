"""A client of the simulator, for tests and load runs."""
