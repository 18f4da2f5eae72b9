"""What CI looks at beside style, types and tests."""
