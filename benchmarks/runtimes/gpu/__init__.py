"""Answers, speed and whole path of the service on a machine with a GPU."""
