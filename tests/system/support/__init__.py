"""Helpers of the system tests: service stacks, chats, polling, Prometheus, a browser."""
