"""Connections of a process to the service, and the thread that keeps the process registered."""
