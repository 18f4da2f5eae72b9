"""Builds the manifest of all images that may be used, and reports what was dropped and why."""
