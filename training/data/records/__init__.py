"""Records of images: labels, groups, and the tables they are read from."""
