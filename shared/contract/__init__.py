"""Jobs and decisions: what the rooms say to each other, versioned."""
