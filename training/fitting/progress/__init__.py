"""Progress of a run: console, CSV log, curves."""
