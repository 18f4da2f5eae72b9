"""Tests of `training.data.duplicates`."""
