"""Finds and reads the images of a folder."""
