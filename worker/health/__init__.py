"""Liveness of a worker: the liveness file and the watchdog of hanging decodes."""
