"""Reads images inside zip and tar archives, with limits and without unpacking anything to the disk."""
