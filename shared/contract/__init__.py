"""Jobs and decisions: the versioned contract between the packages."""
