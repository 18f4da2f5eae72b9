"""What must not matter, done to pictures on purpose, and how far the score moves."""
