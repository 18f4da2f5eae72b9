"""Tests of `training.data.fetching`."""
