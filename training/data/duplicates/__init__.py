"""Finds and drops duplicates: images of equal bytes or pixels, altered copies, photographs of one lesion."""
