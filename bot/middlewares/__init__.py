"""Middlewares of the dispatcher."""
