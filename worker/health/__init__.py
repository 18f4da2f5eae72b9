"""Health of a worker: the liveness file, and the watchdog for hanging decodes."""
