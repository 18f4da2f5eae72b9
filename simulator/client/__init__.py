"""An asynchronous client of the simulator, for tests and load runs. It imports nothing else of the simulator."""
