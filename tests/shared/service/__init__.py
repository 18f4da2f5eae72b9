"""Tests of `shared.service`."""
