"""Progress of a run: callbacks, CSV log, curves."""
