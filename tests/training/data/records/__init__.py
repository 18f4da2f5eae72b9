"""Tests of `training.data.records`."""
