"""Health of a worker: the liveness file, the watchdog for hanging decodes, its memory limit and its supervisor."""
