"""Runs several worker processes as one service, and reports processes that the kernel killed."""
