"""Measures the speed and cost of the whole service, as ratios to a baseline measured in the same run."""
