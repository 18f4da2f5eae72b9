"""The whole house on one machine: an embedded Valkey, workers and Flower, for a first look, a laptop and the tests."""
