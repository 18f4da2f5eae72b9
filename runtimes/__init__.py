"""Model runtimes: each runs an artefact on one device behind the same protocol."""
