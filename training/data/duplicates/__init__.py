"""Finds and drops images that show the same: equal bytes or pixels, altered copies, photographs of one lesion."""
