"""Connections to one running service, and the thread that keeps a process registered."""
