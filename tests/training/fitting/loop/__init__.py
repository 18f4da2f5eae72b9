"""Tests of `training.fitting.loop`."""
