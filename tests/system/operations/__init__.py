"""Installing, watching and changing a running service."""
