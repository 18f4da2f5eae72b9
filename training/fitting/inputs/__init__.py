"""Batches, targets and the selection of images for a training run."""
