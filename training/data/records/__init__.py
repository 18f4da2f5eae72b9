"""Records of labelled images: labels, groups, and the tables they are read from."""
