"""Whether the evidence map points to the lesion, where the lesion is not in the middle."""
