"""From pictures and a recipe to a fitted model."""
