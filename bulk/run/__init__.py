"""Runs the command on one folder: output directory, journal, resuming and progress."""
