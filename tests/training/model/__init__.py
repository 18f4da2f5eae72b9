"""Tests of `training.model`."""
