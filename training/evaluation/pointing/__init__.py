"""Measures whether the evidence map points to a lesion that is not in the middle of the image."""
