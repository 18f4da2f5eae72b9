"""Settings from the environment or .env, and the overrides that an operator sets while processes run."""
