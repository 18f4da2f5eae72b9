"""Tests of `training.fitting.inputs`."""
