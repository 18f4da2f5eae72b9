"""Architectures of the classifier, and reading and writing of its weights."""
