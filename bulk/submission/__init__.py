"""Submission of images to the service and collection of their decisions."""
