"""Tests of `training.data.building`."""
