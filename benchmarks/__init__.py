"""Speed and cost of the whole path, always as ratios to something measured in the same run."""
