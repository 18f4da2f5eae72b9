"""Runs docker-compose.yml with a real Docker engine, as docs/operations.md tells a newcomer."""
