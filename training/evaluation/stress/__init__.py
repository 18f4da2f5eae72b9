"""The stress test: changes images in ways that must not matter, and measures how far the score moves."""
