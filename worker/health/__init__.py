"""Health of a worker: the liveness file, the watchdog for hanging decodes and its memory limit."""
