"""Tests of `shared.image_store`."""
