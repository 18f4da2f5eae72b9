"""`make release-check`: checks version, requirements and images before images get the tag of a release."""
