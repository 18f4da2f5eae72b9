"""Turns a model's outputs into calibrated probabilities, bands, evidence receipts, kinds and feature distances."""
