"""The folder command."""
