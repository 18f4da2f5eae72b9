"""From a fitted model to the artefact, and back."""
