"""`make release-check`: what must be right before images get the tag of a release."""
