"""Training of a model by a recipe."""
