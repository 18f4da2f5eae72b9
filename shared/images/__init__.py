"""Image processing for all packages: check, decode, orient, resize, assess quality, draw the evidence map."""
