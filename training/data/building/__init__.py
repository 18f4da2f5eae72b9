"""Builds the manifest of all pictures that may be used, and reports what was dropped and why."""
